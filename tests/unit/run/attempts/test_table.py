"""Every kind of outcome under every kind of policy: what follows, as docs/attempts.md has it.

The table in the page is written from the cases here:
HOTPLATE_UPDATE_DOCS=1 python -m pytest tests/unit/run/attempts/test_table.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hotplate.execute import Outcome, OutcomeKind
from hotplate.notebook.sections import read_marker
from hotplate.run.attempts import AttemptPolicy, Verdict, decide
from tests.unit.run.attempts.trials import outcome

PAGE = Path(__file__).parents[4] / "docs" / "attempts.md"

EVERY = "crashed timed_out lost failed"
POLICIES: dict[str, tuple[AttemptPolicy, int, int]] = {}
"""By heading: a policy, the attempt's number, and how many attempts each cause has cost before."""


def case(heading: str, attributes: str, attempt: int = 1, spent: int = 0) -> None:
    marker = read_marker(f"// %% Step {attributes}")
    assert marker is not None
    assert marker.problems == ()
    POLICIES[heading] = AttemptPolicy.of(marker.attributes), attempt, spent


case("no `retries`", "")
case("`retries=2`", "retries=2")
case("its third attempt", "retries=2", attempt=3)
case("`retry_on` has all four", f'retries=2 retry_on="{EVERY}"')
case("each `:1`, and that is spent", 'retries=2 retry_on="crashed:1 timed_out:1 lost:1 failed:1"', 2, spent=1)
case("`impure`, and `retry_on` has it", f'retries=2 impure retry_on="{EVERY} impure"')
# A section that is `impure` and has `retries` must say whether it means it; a policy made in Python need not.
POLICIES["`impure`, and it has not"] = AttemptPolicy(max_attempts=3, impure=True), 1, 0

A, L, N, B, M, R, F, D = "again", "last", "unasked", "budget", "impure", "runs", "final", "done"
EXPECTED: dict[str, tuple[Outcome, tuple[str, ...]]] = {
    "`ok`": (outcome(OutcomeKind.OK), (D, D, D, D, D, D, D)),
    "`failed`": (outcome(OutcomeKind.FAILED), (N, N, N, A, B, A, N)),
    "`crashed`": (outcome(OutcomeKind.CRASHED), (L, A, L, A, B, A, M)),
    "`timed_out`": (outcome(OutcomeKind.TIMED_OUT), (L, A, L, A, B, A, M)),
    "`timed_out`, and it still runs": (outcome(OutcomeKind.TIMED_OUT, unkillable=True), (R, R, R, R, R, R, R)),
    "`lost`": (outcome(OutcomeKind.LOST), (L, A, L, A, B, A, M)),
    "`cancelled`": (outcome(OutcomeKind.CANCELLED), (F, F, F, F, F, F, F)),
    "`rejected`": (outcome(OutcomeKind.REJECTED), (F, F, F, F, F, F, F)),
    "`build_failed`": (outcome(OutcomeKind.BUILD_FAILED), (F, F, F, F, F, F, F)),
    "`skipped`": (outcome(OutcomeKind.SKIPPED), (F, F, F, F, F, F, F)),
}
WORDS = {
    A: (Verdict.RETRY, "**again**"),
    D: (Verdict.DONE, "done"),
    F: (Verdict.FINAL, "ends"),
    N: (Verdict.UNASKED, "ends: not in `retry_on`"),
    R: (Verdict.UNKILLABLE, "ends: still runs"),
    M: (Verdict.IMPURE, "ends: impure"),
    L: (Verdict.SPENT, "ends: last attempt"),
    B: (Verdict.OVER_BUDGET, "ends: budget spent"),
}


@pytest.mark.parametrize(
    ("ending", "policy", "word"),
    [
        pytest.param(ending, policy, word, id=f"{row}, {heading}".replace("`", ""))
        for row, (ending, words) in EXPECTED.items()
        for (heading, policy), word in zip(POLICIES.items(), words, strict=True)
    ],
)
def test_what_follows_an_attempt(ending: Outcome, policy: tuple[AttemptPolicy, int, int], word: str) -> None:
    allowed, attempt, spent = policy
    assert decide(allowed, attempt, ending, dict.fromkeys(OutcomeKind, spent)) is WORDS[word][0]


def test_every_outcome_is_in_the_table() -> None:
    assert {ending.kind for ending, _ in EXPECTED.values()} == set(OutcomeKind)


def test_the_table_in_the_documentation_is_this_one() -> None:
    text = PAGE.read_text("utf-8")
    table = re.search(r"(?<=<!-- outcomes -->\n).*?(?=<!-- end -->)", text, re.DOTALL)
    assert table is not None
    if os.environ.get("HOTPLATE_UPDATE_DOCS"):
        PAGE.write_text(text[: table.start()] + rendered() + text[table.end() :], "utf-8")
        return
    assert table[0] == rendered(), f"{PAGE} is not up to date: {(__doc__ or '').splitlines()[-1]}"


def rendered() -> str:
    lines = [f"| an attempt ended as | {' | '.join(POLICIES)} |", "|---" * (len(POLICIES) + 1) + "|"]
    for row, (_, words) in EXPECTED.items():
        lines.append(f"| {row} | {' | '.join(WORDS[word][1] for word in words)} |")
    return "\n".join(lines) + "\n"
