"""A real IPython shell with the extension, and what it shows."""

from __future__ import annotations

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
        self.ipython = InteractiveShell.instance(config=config)
        self.variables: dict[str, Any] = self.ipython.user_ns
        self.run("%load_ext hotplate")

    def run(self, code: str, cell_id: str | None = None) -> Answer:
        with capture_output() as captured:
            result = self.ipython.run_cell(dedent(code), store_history=True, cell_id=cell_id)
        shown = [output.data for output in captured.outputs]
        text = [captured.stdout, captured.stderr, *(bundle.get("text/plain", "") for bundle in shown)]
        html = "".join(bundle.get("text/html", "") for bundle in shown)
        return Answer(result.error_in_exec or result.error_before_exec, "\n".join(text), html, result.result)

    def cell(self, text: str, line: str = "", cell_id: str | None = None) -> Answer:
        return self.run(f"%%hotplate {line}\n{dedent(text)}", cell_id)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    made = Shell()
    yield made
    made.run("%unload_ext hotplate")
    made.ipython.history_manager.end_session()
    InteractiveShell.clear_instance()
