"""hp_state in notebooks that are edited: kept, migrated, started anew, and put back when a version fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import BuildError, CellFailed, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNTER = """
#include <hotplate.h>
#include <string.h>

typedef struct { int64_t count; double total; } layout_1;
typedef struct { int64_t count; double total, lowest, history[1000]; } layout_2;
typedef struct { int64_t count; } layout_3;

static int from_any(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
    if (version_before == 0) return 1;
    memcpy(now, before, bytes < bytes_before ? bytes : bytes_before);
    return 0;
}

// %% Counter impure
int64_t counter(hp_ctx *ctx, double x) {
    layout_1 *s = hp_state(ctx, sizeof *s, 1);
    if (!s) return -1;
    s->count += 1, s->total += x;
    return s->count;
}
"""
KEPT = "layout_1 *s = hp_state(ctx, sizeof *s, 1);"
MIGRATED = "layout_2 *s = hp_state_migrate(ctx, sizeof *s, 2, from_any);"
SHRUNK = "layout_3 *s = hp_state_migrate(ctx, sizeof *s, 3, from_any);"
ZEROED = "layout_2 *s = hp_state(ctx, sizeof *s, 2);"
REFUSED = "layout_1 *s = hp_state_migrate(ctx, sizeof *s, 7, from_nothing);"
FROM_NOTHING = """
static int from_nothing(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
    memset(now, 1, bytes);
    return before && bytes_before && version_before;
}
"""


class Counter:
    """A notebook with the counter, run after each edit."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, COUNTER
        path.write_text(COUNTER)
        self.notebook = hotplate.open(path)

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new)
        self.path.write_text(self.text)

    def run(self, times: int = 1) -> Any:
        return [self.notebook.run(x=0.5)["counter"] for _ in range(times)][-1]


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path / "counter.c")


def test_an_edit_that_leaves_the_layout_keeps_the_state(counter: Counter) -> None:
    assert counter.run(3) == 3
    counter.edit("s->count += 1", "s->count += 10")
    assert counter.run() == 13


def test_another_version_is_migrated_to_a_larger_block_and_to_a_smaller_one(counter: Counter) -> None:
    assert counter.run(3) == 3
    counter.edit(KEPT, MIGRATED)
    counter.edit("return s->count;", "return s->count + (int64_t)(1000 * s->total + s->lowest + s->history[999]);")
    assert counter.run() == 4 + 2000
    counter.edit(MIGRATED, SHRUNK)
    counter.edit(", s->total += x", ", (void)x")
    counter.edit(" + (int64_t)(1000 * s->total + s->lowest + s->history[999])", "")
    assert counter.run() == 5


def test_another_version_without_migration_starts_from_zeros(counter: Counter) -> None:
    assert counter.run(3) == 3
    counter.edit(KEPT, ZEROED)
    assert counter.run() == 1


def test_a_migration_that_gives_up_starts_from_zeros(counter: Counter) -> None:
    assert counter.run(3) == 3
    counter.edit(KEPT, REFUSED)
    counter.edit("// %%", FROM_NOTHING + "// %%")
    assert counter.run(2) == 2


@pytest.mark.parametrize("statement", [MIGRATED, ZEROED])
def test_a_version_that_fails_after_changing_the_layout_leaves_the_earlier_state(
    counter: Counter, statement: str
) -> None:
    assert counter.run(3) == 3
    counter.edit(KEPT, statement)
    counter.edit("return s->count;", 'hp_fail(ctx, "not yet"); return s->count;')
    with pytest.raises(CellFailed, match="not yet"):
        counter.run()
    counter.edit(statement, KEPT)
    counter.edit('hp_fail(ctx, "not yet"); ', "")
    assert counter.run() == 4


def test_a_version_that_fails_its_first_run_leaves_the_state_it_found(counter: Counter) -> None:
    assert counter.run(3) == 3
    counter.edit("s->count += 1", 's->count += 1000; hp_fail(ctx, "not yet"); s->count += 1')
    with pytest.raises(CellFailed, match="not yet"):
        counter.run()
    counter.edit(' += 1000; hp_fail(ctx, "not yet"); s->count', "")
    assert counter.run() == 4


def test_going_back_to_an_earlier_version_migrates_too(counter: Counter) -> None:
    old, new = "hp_state_migrate(ctx, sizeof *s, 1, from_any);", MIGRATED.partition("= ")[2]
    counter.edit(KEPT.partition("= ")[2], old)
    assert counter.run(3) == 3
    counter.edit(f"layout_1 *s = {old}", f"layout_2 *s = {new}")
    assert counter.run() == 4
    counter.edit(f"layout_2 *s = {new}", f"layout_1 *s = {old}")
    assert counter.run() == 5


CPP = """
#include <hotplate.hpp>
#include <algorithm>
#include <stdexcept>

struct before { std::int64_t count; };
struct now { std::int64_t count; double mean; };

// %% Counter impure
std::int64_t counter(hp_ctx *ctx, double x) {
    auto *s = static_cast<before *>(hp_state(ctx, sizeof(before), 1));
    return s ? ++s->count : static_cast<std::int64_t>(x);
}
"""
LAMBDA = """auto *s = static_cast<now *>(hp_state_migrate(ctx, sizeof(now), 2,
        [](void *to, std::size_t, const void *from, std::size_t, std::uint32_t) {
            BODY
            *static_cast<now *>(to) = {static_cast<const before *>(from)->count, 0.5};
            return 0;
        }));"""
CPP_KEPT = "auto *s = static_cast<before *>(hp_state(ctx, sizeof(before), 1));"


def test_in_cpp_a_lambda_migrates(notebook: Callable[..., Path]) -> None:
    path = notebook(CPP, ".cpp")
    opened = hotplate.open(path)
    assert [opened.run(x=0)["counter"] for _ in range(2)] == [1, 2]
    path.write_text(CPP.replace(CPP_KEPT, LAMBDA.replace("BODY", "")))
    assert opened.run(x=0)["counter"] == 3


def test_an_exception_in_a_migration_is_the_cells_error_and_the_state_stays(notebook: Callable[..., Path]) -> None:
    path = notebook(CPP, ".cpp")
    opened = hotplate.open(path)
    assert [opened.run(x=0)["counter"] for _ in range(2)] == [1, 2]
    path.write_text(CPP.replace(CPP_KEPT, LAMBDA.replace("BODY", 'if (to) throw std::runtime_error("unreadable");')))
    with pytest.raises(CellFailed, match=r"^counter: std::runtime_error: unreadable$"):
        opened.run(x=0)
    path.write_text(CPP)
    assert opened.run(x=0)["counter"] == 3


@pytest.mark.parametrize("compiler", ["gcc", "clang", "zig", "tcc"])
def test_every_compiler_migrates(tmp_path: Path, compiler: str) -> None:
    path = tmp_path / "counter.c"
    path.write_text(COUNTER)
    try:
        opened = hotplate.open(path, compiler=compiler)
        assert opened.run(x=0.5)["counter"] == 1
    except ToolchainError as error:
        if isinstance(error, BuildError):
            raise
        pytest.skip(str(error))
    path.write_text(COUNTER.replace(KEPT, MIGRATED))
    assert opened.run(x=0.5)["counter"] == 2
