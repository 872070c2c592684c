"""What README and docs show is what happens: each block by itself.

Pages that are run from their beginning to their end are in test_docs_stories.
"""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hotplate
from hotplate import notebook as notation
from hotplate.diagnostic import exit_code
from hotplate.errors import HotplateError
from hotplate.load.library import reclaim
from tests.pages import BLOCKS, ROOT, Block, Shell, run_python

NOTEBOOKS = ("c", "cpp")
LANGUAGES = (*NOTEBOOKS, "python", "console", "sh")


def chosen(*languages: str, word: str = "") -> pytest.MarkDecorator:
    """One test for each block of the languages that has the word, or an option that begins with it."""
    found = [b for b in BLOCKS if b.language in languages and not (b.is_told or b.unrun)]
    found = [b for b in found if not word or any(w.startswith(word) for w in b.words)]
    assert found
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in found])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder where a block runs: the examples, and the files that its page gives a name."""
    gc.collect()
    reclaim()  # what earlier blocks have left is not to be unloaded while this one counts
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for block in BLOCKS:
        if block.page == request.getfixturevalue("block").page and (name := block.option("file")):
            (tmp_path / name).write_text(block.text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- notebooks


def open_block(block: Block, desk: Path) -> hotplate.Notebook:
    path = desk / (block.option("file") or f"notebook.{block.language}")
    path.write_text(block.text, "utf-8")
    return hotplate.open(path)


def given(nb: hotplate.Notebook, block: Block) -> dict[str, Any]:
    """The values in a fence's info string; a list becomes an array of the dtype that its cell wants."""
    return {name: value_of(nb, name, text) for name, text in block.inputs.items()}


def value_of(nb: hotplate.Notebook, name: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, list):
        return value
    user = next(c.name for c in nb.model.cells.values() if any(p.name == name for p in c.inputs))
    return np.array(value, nb.load(user).dtype(name))


def claims(block: Block, nb: hotplate.Notebook) -> dict[str, str]:
    """Cell → its value as the `// →` on one of its lines says it."""
    found = {}
    for number, line in enumerate(block.text.splitlines(), 1):
        if "// → " in line:
            name = next(c.name for c in nb.model.cells.values() if c.span.line <= number <= c.span.end_line)
            found[name] = line.partition("// → ")[2]
    return found


@chosen(*NOTEBOOKS, word="run")
def test_a_notebook_gives_the_values_it_claims(block: Block, desk: Path) -> None:
    nb = open_block(block, desk)
    assert nb.check() == ()
    claimed = claims(block, nb)
    run = nb.run(*claimed, inputs=given(nb, block))
    plain = {name: run[name].tolist() if isinstance(run[name], np.ndarray) else run[name] for name in claimed}
    assert {name: repr(value) for name, value in plain.items()} == claimed


@chosen(*NOTEBOOKS, word="file=")
def test_a_named_notebook_is_free_of_findings(block: Block, desk: Path) -> None:
    assert open_block(block, desk).check() == ()


@chosen(*NOTEBOOKS, word="error=")
def test_a_wrong_notebook_gives_the_error_shown_below_it(block: Block, desk: Path) -> None:
    nb = open_block(block, desk)
    with pytest.raises(HotplateError) as caught:
        nb.run(block.option("error"), inputs=given(nb, block))
    assert str(caught.value) == block.next.rstrip("\n")


# ---- Python


@chosen("python", word="run")
def test_a_python_block_runs_and_gives_what_it_claims(block: Block, desk: Path) -> None:
    checked = run_python(block, {})
    assert [got for got, _ in checked] == [expected for _, expected in checked]


# ---- commands


@chosen("console")
def test_commands_print_what_the_page_shows(block: Block, desk: Path) -> None:
    Shell(desk).check(block)


# ---- tables of messages


def rows(page: str, *header: str) -> list[tuple[str, str]]:
    """What stands in backticks in the rows of a table of two columns."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    _, _, table = text.partition(f"| {' | '.join(header)} |\n|---|---|\n")
    lines = table.split("\n\n")[0].splitlines()
    assert lines
    return [(cells[0], cells[1]) for cells in (re.findall(r"`([^`]*)`", line) for line in lines)]


@pytest.mark.parametrize(("text", "message"), rows("notation.md", "you write", "hotplate says"))
def test_a_broken_rule_is_reported_in_these_words(text: str, message: str) -> None:
    findings = notation.check(notation.parse(Path("notebook.c"), text))
    assert message in [finding.message for finding in findings]
    assert exit_code(findings) == 2


CALLS = next(b for b in BLOCKS if b.page == "python.md" and b.language == "python" and "dot =" in b.text)


@pytest.mark.parametrize("block", [CALLS], ids=["calls"])
def test_calls_that_do_not_fit_raise_these_errors(block: Block, desk: Path) -> None:
    namespace: dict[str, Any] = {}
    run_python(block, namespace)
    for call, expected in rows("python.md", "the call", "raises"):
        with pytest.raises((HotplateError, TypeError)) as caught:
            eval(call, namespace)
        assert f"{type(caught.value).__name__}: {caught.value}" == expected


# ---- none is forgotten


@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS}))
def test_every_block_of_code_is_run_or_says_why_not(page: str) -> None:
    code = [block for block in BLOCKS if block.page == page and block.language in LANGUAGES]
    assert [block.place for block in code if not (is_run(block) or block.unrun)] == []
    assert [block.place for block in code if "unrun:" in block.info and not block.unrun] == []


def is_run(block: Block) -> bool:
    """Whether one of the tests runs it."""
    if block.unrun or block.language == "sh":
        return False
    if block.language == "console":
        return True
    as_files = block.language in NOTEBOOKS or block.is_told or block.page in WITH_TESTS_OF_THEIR_OWN
    kinds = ("run", "file=", "append=", "error=") if as_files else ("run",)
    return any(word.startswith(kinds) for word in block.words)


WITH_TESTS_OF_THEIR_OWN = {"pytest.md", "editors.md"}  # test_pytest_plugin and test_editors use their files
