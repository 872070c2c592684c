"""The notebooks that tests have opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.notebook.model import NotebookModel
    from hotplate.pytest_plugin.asking import Wanted
    from hotplate.session import Notebook


MOST_OPEN = 8
"""Notebooks that stay open with their results: the tests of one need them now, and memory ends."""


class Notebooks:
    """The open notebooks of a process, one for each file with the same settings; those that were used last."""

    def __init__(self, options: Any) -> None:
        """`options` are those of the command line."""
        self.models: dict[Path, NotebookModel] = {}
        """What was parsed to collect tests."""
        self._options = options
        self._open: dict[tuple[Any, ...], Notebook] = {}
        self._refused: dict[tuple[Any, ...], str] = {}
        """The first test of each that is wrong or does not compile."""

    def open(self, wanted: Wanted, test: str) -> Notebook:
        """The notebook, with all its cells built. Fails the test where that can't be; the first one says why."""
        __tracebackhide__ = True
        key = self._key(wanted)
        if wanted.shared and key in self._open:
            self._open[key] = notebook = self._open.pop(key)
            return notebook
        if (first := self._refused.get(key, test)) != test:
            refuse(f"{wanted.path.name} can't be used; the set-up of {first} says why")
        notebook = self._opened(key, wanted.path, test)
        if wanted.shared:
            self._open[key] = notebook
            for oldest in [*self._open][:-MOST_OPEN]:
                del self._open[oldest]
        return notebook

    def _opened(self, key: tuple[Any, ...], path: Path, test: str) -> Notebook:
        import hotplate
        from hotplate.diagnostic import Severity

        _, compiler, flags, isolated, sanitize = key
        policy = hotplate.Policy() if isolated else None
        try:
            notebook = hotplate.open(path, compiler=compiler, flags=flags, policy=policy, sanitize=sanitize)
            errors = [found.render() for found in notebook.check() if found.severity is Severity.ERROR]
        except hotplate.errors.HotplateError as error:
            errors = [str(error)]
        if errors:
            self._refused[key] = test
            refuse("\n".join(errors))
        return notebook

    def tidy(self, wanted: Wanted) -> None:
        """After a test: a notebook to which it has added Python cells is not for others."""
        notebook = self._open.get(key := self._key(wanted))
        if notebook is not None and notebook.graph.nodes.keys() != notebook.model.cells.keys():
            del self._open[key]

    def close(self) -> None:
        """Lets go of all of them."""
        self._open.clear()

    def _key(self, wanted: Wanted) -> tuple[Any, ...]:
        """What makes two of them the same."""
        options = self._options
        compiler = wanted.compiler or options.hotplate_compiler
        isolated = wanted.isolated or options.hotplate_isolated
        return (wanted.path, compiler, wanted.flags, isolated, wanted.sanitize or options.hotplate_sanitize)


NOTEBOOKS = pytest.StashKey[Notebooks]()
"""Where pytest's configuration has those of this process."""


def refuse(message: str) -> NoReturn:
    """Fails the test with a message that needs no traceback."""
    __tracebackhide__ = True
    raise pytest.fail.Exception(message, pytrace=False) from None
