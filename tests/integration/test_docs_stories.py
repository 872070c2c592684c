"""The tutorial and the how-to pages: a reader who does one step after the other gets what they say."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages import BLOCKS, ROOT, STORIES, Block, Shell, comparable, run_python
from tests.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.stem)
def test_a_page_works_from_its_beginning_to_its_end(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Reader(tmp_path) as reader:
        for block in (block for block in BLOCKS if block.path == page and not block.unrun):
            reader.do(block)


class Reader(ExitStack):
    """Does what a page says, block after block, in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        (folder / "examples").symlink_to(ROOT / "examples")
        self.shell = Shell(folder)
        self.namespace: dict[str, Any] = {}
        self.printed = folder / "printed"
        """What the latest command that stays has printed."""
        self.seen = 0
        """How much of it was looked at."""

    def do(self, block: Block) -> None:
        if name := block.option("file"):
            path = self.folder / name
            path.write_text(edited(path.read_text(), block.text) if block.language == "diff" else block.text)
        elif name := block.option("append"):
            with (self.folder / name).open("a") as file:
                file.write(block.text)
        elif block.language == "console" and "stays" in block.words:
            self.close()  # a reader has ended what ran before
            self.seen = 0
            self.enter_context(running(self.shell.start(block.text.removeprefix("$ "), self.printed)))
        elif block.language == "console":
            self.shell.check(block)
        elif block.language == "python":
            checked = run_python(block, self.namespace)
            assert [got for got, _ in checked] == [expected for _, expected in checked], block.place
        elif wanted := block.option("seen"):
            cell, _, reason = wanted.partition(":")
            self.see(rf" {cell} ok .*\({reason}\)")
        elif "seen" in block.words:
            self.see(".*\n(?:.*\n)*?.*".join(map(re.escape, comparable(block.text))))

    def see(self, wanted: str) -> None:
        """Waits until the command that stays has printed this since it was last looked at."""

        def rest() -> str:
            return "\n".join(comparable(self.printed.read_text()[self.seen :]))

        assert eventually(lambda: re.search(wanted, rest())), f"no {wanted!r} in\n{self.printed.read_text()}"
        self.seen = len(self.printed.read_text())


def edited(text: str, changes: str) -> str:
    """A text with the lines of a diff that begin with - replaced by those that begin with +."""
    old, new = ("".join(line[1:] for line in changes.splitlines(True) if line[0] in kept) for kept in (" -", " +"))
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in\n{text}"
    return text.replace(old, new)


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[None]:
    """Ends a command by Ctrl-C when the page is over."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
