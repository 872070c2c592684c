"""A real IPython shell with the extension, and what it shows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Answer:
    """What came of a cell of IPython."""

    error: BaseException | None
    text: str
    """All that was shown and printed."""
    html: str
    value: Any


class Shell:
    """A shell that is asked as a user asks it."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.hist_file = ":memory:"
        config.InteractiveShell.colors = "nocolor"
        config.Completer.use_jedi = False  # seconds, for what is Python
        self.ipython = InteractiveShell.instance(config=config)

    @property
    def variables(self) -> dict[str, Any]:
        return self.ipython.user_ns

    def run(self, code: str, cell_id: str | None = None) -> Answer:
        with capture_output() as captured:
            result = self.ipython.run_cell(dedent(code), store_history=True, cell_id=cell_id)
        shown = [output.data for output in captured.outputs]
        text = [captured.stdout, captured.stderr, *(bundle.get("text/plain", "") for bundle in shown)]
        html = "".join(bundle.get("text/html", "") for bundle in shown)
        return Answer(result.error_in_exec or result.error_before_exec, "\n".join(text), html, result.result)

    def cell(self, text: str, line: str = "", cell_id: str | None = None) -> Answer:
        return self.run(f"%%hotplate {line}\n{dedent(text)}", cell_id)


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The shell of a test file: making one takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own module there
        made = Shell()
        yield made
        made.ipython.history_manager.end_session()
        InteractiveShell.clear_instance()


@pytest.fixture
def shell(one_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The shell with nothing in it: no variables, no cells, and the next one is In[2]."""
    monkeypatch.chdir(tmp_path)
    one_shell.ipython.reset(new_session=True)
    one_shell.run("%load_ext hotplate")
    yield one_shell
    one_shell.run("%unload_ext hotplate")
