"""Fingerprints of Python cells: what makes a function another one in another process."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.run.fingerprint import _is_below_packages, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Print = Callable[[str, str], str | None]

CLASS = """
class Solver:
  order = {0}
  def step(self, x): return x + {1}
  @staticmethod
  def help(x): return x * {2}
"""
TUPLE = "from typing import NamedTuple\nclass Stats(NamedTuple):\n  {0}: float\n  {1}: float = {2}\n"


@pytest.fixture
def fingerprint_of(monkeypatch: pytest.MonkeyPatch) -> Print:
    """That of the function `cell` of a text, beside a module `mine` of another text."""

    def find(module: str, text: str) -> str | None:
        mine = types.ModuleType("mine")
        monkeypatch.setitem(sys.modules, "mine", mine)
        exec(module, vars(mine))
        own: dict[str, Any] = {"__name__": "__main__"}
        exec(text, own)
        return fingerprint(own["cell"])

    return find


@pytest.mark.parametrize(
    ("before", "after", "cell"),
    [
        ("def f(x): return x", "def f(x): return x + 1", "import mine\ndef cell(x): return mine.f(x)"),
        ("k = 1", "k = 2", "import mine\ndef cell(x): return x + mine.k"),
        (
            "def g(x): return x\ndef f(x): return g(x)",
            "def g(x): return x + 1\ndef f(x): return g(x)",
            "import mine\ndef cell(x): return mine.f(x)",
        ),
        *(
            (
                CLASS.format(1, 2, 3),
                CLASS.format(*after),
                "from mine import Solver\ndef cell(x): return Solver().step(x)",
            )
            for after in [(9, 2, 3), (1, 9, 3), (1, 2, 9)]
        ),
        *(
            (TUPLE.format("a", "b", 1), TUPLE.format(*after), "from mine import Stats\ndef cell(x): return Stats(x, x)")
            for after in [("b", "a", 1), ("a", "c", 1), ("a", "b", 2)]
        ),
    ],
)
def test_what_a_module_that_is_not_installed_has_of_the_names_in_a_cell_counts(
    before: str, after: str, cell: str, fingerprint_of: Print
) -> None:
    first = fingerprint_of(before, cell)
    assert first is not None
    assert first == fingerprint_of(f"# further down\n{before}", cell)
    assert first != fingerprint_of(after, cell)


def test_what_else_such_a_module_has_does_not_count(fingerprint_of: Print) -> None:
    cell = "import mine\ndef cell(x): return mine.f(x)"
    assert fingerprint_of("def f(x): return x", cell) == fingerprint_of("def f(x): return x\nother = object()", cell)


@pytest.mark.parametrize(
    "cell",
    [
        "def cell(x):\n  import mine\n  return mine.f(x)",
        "def cell(x):\n  def inside():\n    from mine import f\n    return f(x)\n  return inside()",
        "def make():\n  import mine\n  return lambda x: mine.f(x)\ncell = make()",
        "import mine\ndef cell(x): return mine.lazy(x)",
        "import mine\ndef cell(x): return mine.solver.step(x)",
    ],
    ids=["imported inside", "imported further inside", "in a closure", "made when asked for", "an object"],
)
def test_what_of_such_a_module_can_not_be_told_leaves_the_whole_untold(cell: str, fingerprint_of: Print) -> None:
    lazy = "def __getattr__(name): return print" if "lazy" in cell else ""
    module = f"{CLASS.format(1, 2, 3)}\nsolver = Solver()\ndef f(x): return x\n{lazy}"
    assert fingerprint_of(module, cell) is None


def test_installed_modules_count_by_name_and_version(fingerprint_of: Print, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = "import math\nimport numpy as np\ndef cell(x):\n  import json\n  return np.linalg.norm(x) + math.pi"
    first = fingerprint_of("", cell)
    assert first is not None
    monkeypatch.setattr("numpy.__version__", "0.1")
    assert fingerprint_of("", cell) != first


def test_a_package_in_any_folder_is_installed_if_its_description_is_beside_it(
    fingerprint_of: Print, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "target" / "measures"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def __getattr__(name): return print\n")  # whose content can't be told
    monkeypatch.syspath_prepend(package.parent)
    cell = "import measures\ndef cell(x): return measures.whatever(x)"
    assert fingerprint_of("", cell) is None
    (package.parent / "measures-1.0.dist-info").mkdir()
    _is_below_packages.cache_clear()
    assert fingerprint_of("", cell) is not None


def test_code_that_differs_in_what_an_exception_ends_alone_is_other_code(fingerprint_of: Print) -> None:
    outside = "def cell(x, f):\n  f(x)\n  try: f(x)\n  except ValueError: return 0\n  return 1"
    inside = "def cell(x, f):\n  try: f(x); f(x)\n  except ValueError: return 0\n  return 1"
    assert fingerprint_of("", outside) != fingerprint_of("", inside)


def cell_in(variables: dict[str, Any], text: str = "def cell(x): return scale(x) + 1") -> Any:
    exec(text, variables)
    return variables["cell"]


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell.__globals__.update(scale=abs),
        lambda cell: cell.__globals__.update(scale=2),
        lambda cell: cell.__globals__.pop("scale"),
        lambda cell: setattr(cell, "__code__", cell_in({}, "def cell(x): return scale(x) + 2").__code__),
        lambda cell: setattr(cell, "__defaults__", (3,)),
    ],
)
def test_what_a_function_refers_to_may_change_between_two_looks_at_it(change: Callable[[Any], None]) -> None:
    cell = cell_in({"scale": round})
    before = fingerprint(cell)
    assert before == fingerprint(cell)
    change(cell)
    assert fingerprint(cell) != before


def test_an_object_that_changes_is_looked_at_each_time() -> None:
    scale = [1, 2]
    cell = cell_in({"scale": scale}, "def cell(x): return scale[0] * x")
    before = fingerprint(cell)
    scale[0] = 5
    assert fingerprint(cell) not in (before, None)
