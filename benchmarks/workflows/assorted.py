"""Assorted: a notebook of cells of every kind, each of which says in a file of its own whenever it is executed.

Results are arrays of some KiB up to 1 MiB, numbers, texts and several at once, whose fields others take. Some cells are
isolated, one is impure, and some fail or crash at their first execution and succeed at a later one. What a cell gives
depends on the text alone. Each takes a while, in which it sleeps: what is tried with it is not how fast it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SIZES = (64, 512, 4_096, 16_384, 131_072)
_HEAD = """\
#include <fcntl.h>
#include <hotplate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says that a cell is executed, and takes time. Returns how often it has been, this time included. */
static long enter(const char *log, const char *cell, useconds_t microseconds) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", log, cell);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || write(file, ".", 1) != 1) abort();
    long times = (long)lseek(file, 0, SEEK_CUR);
    close(file);
    usleep(microseconds);
    return times;
}
static double mean(int64_t n, const double *x) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}
static double letters(const char *text) {
    double sum = 0;
    while (*text) sum += *text++;
    return sum;
}
/* Numbers between 0 and 1 that follow from one. */
static void fill(double start, int64_t n, double *out) {
    uint64_t bits;
    memcpy(&bits, &start, sizeof bits);
    for (int64_t i = 0; i < n; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        out[i] = (double)(bits >> 11) / 9007199254740992.0;
    }
}
"""
_SECTIONS = {
    "plain": "",
    "isolated": "isolate",
    "impure": "impure",
    "crashing": "isolate retries=2",
    "failing": 'retries=2 retry_on="failed"',
}
"""The attributes of each kind of section."""
_UNLUCKY = {"crashing": "abort();", "failing": 'hp_fail(ctx, "not yet");'}


class _Result(NamedTuple):
    """Something that other cells may take."""

    parameter: str
    """How it is declared."""
    amount: str
    """An expression: a number that depends on all of it."""


@dataclass(frozen=True)
class Assorted:
    """The notebook of a seed."""

    seed: int
    cells: int = 40
    longest: float = 0.02
    """The seconds that a cell takes at most, and 20 times those that it takes at least."""

    @property
    def text(self) -> str:
        """The notebook."""
        dice = random.Random(f"{self.seed} assorted")
        sections: dict[str, list[str]] = {section: [] for section in _SECTIONS}
        results: list[_Result] = []
        for number in range(self.cells):
            section = self.section(number)
            chosen = dice.sample(results, min(len(results), dice.randrange(1, 4))) if number > 4 else []
            text, more = self._cell(dice, number, section, chosen)
            sections[section].append(text)
            results += more
        return _HEAD + "".join(
            f"\n// %% {section.title()}  {_SECTIONS[section]}\n" + "".join(texts) for section, texts in sections.items()
        )

    @staticmethod
    def section(number: int) -> str:
        """The kind of section that a cell is in."""
        kinds = {7: "impure", 9: "failing", 19: "failing", 5: "crashing", 25: "crashing"}
        return kinds.get(number, "isolated" if number % 6 == 3 else "plain")

    def _cell(self, dice: random.Random, number: int, section: str, needs: list[_Result]) -> tuple[str, list[_Result]]:
        name = f"c{number}"
        result, size, returns, gives = _form(dice, name)
        parameters = ["hp_ctx *ctx", "const char *log", *(need.parameter for need in needs)]
        parameters += [f"double {out}" for out in gives]
        amount = " + ".join([f"{number}.0", *(need.amount for need in needs)])
        wait = round(1e6 * self.longest * dice.uniform(0.05, 1))
        body = [
            f'long times = enter(log, "{name}", {wait});',
            f"if (times == 1) {_UNLUCKY[section]}" if section in _UNLUCKY else "(void)times;",
            f"double amount = {amount};",
            *(f"fill(amount + {i}, {size >> i}, {out.split('[')[0]});" for i, out in enumerate(gives)),
            "(void)ctx;",
            *([returns[1]] if returns[1] else []),
        ]
        lines = "".join(f"    {line}\n" for line in body)
        return f"{returns[0]} {name}({', '.join(parameters)}) {{\n{lines}}}\n", result


def _form(dice: random.Random, name: str) -> tuple[list[_Result], int, tuple[str, str], list[str]]:
    """What a cell gives: its results, their size, the type and statement of its return, its output parameters."""
    (kind,) = dice.choices(("array", "several", "number", "text"), (5, 2, 2, 1))
    size = dice.choice(_SIZES)
    if kind == "array":
        return [_array(name, size)], size, ("void", ""), [f"out[{size}]"]
    if kind == "several":
        fields = [_array(f"{name}_first", size), _array(f"{name}_second", size >> 1)]
        return fields, size, ("void", ""), [f"out_first[{size}]", f"out_second[{size >> 1}]"]
    if kind == "number":
        return [_Result(f"double {name}", name)], 0, ("double", "return amount * 1.25;"), []
    choice = 'return amount > 60 ? "much" : "grüße, ein längerer Text";'
    return [_Result(f"const char *{name}", f"letters({name})")], 0, ("const char *", choice), []


def _array(name: str, size: int) -> _Result:
    return _Result(f"const double {name}[{size}]", f"mean({size}, {name})")


def executions(log: Path) -> dict[str, int]:
    """How often each cell was executed that says so in this folder."""
    return {path.name: path.stat().st_size for path in log.iterdir()}
