"""The pages of the documentation as tests see them: their fenced blocks, and how what these claim is run.

docs/internals.md says which fences are checked, and how they are written.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
OUTSIDE = [ROOT / name for name in ("README.md", "CHANGELOG.md", "examples/README.md")]
PAGES = sorted([*OUTSIDE, *(ROOT / "docs").rglob("*.md")])
STORIES = [page for page in PAGES if page.stem == "tutorial" or (page.parent.name == "howto" and page.stem != "index")]
"""The pages whose blocks are run one after the other, in one folder, as a reader does."""

FENCE = re.compile(r"^```([^\s`]*)[ \t]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DURATION = re.compile(r"\b\d[\d.]* (?:µs|ms|s)(?!\w)")
RUN_NAME = re.compile(r"\b[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Block:
    """A fenced piece of a page."""

    path: Path
    line: int
    language: str
    info: str
    text: str
    next: str
    """The text of the fence after it."""

    @property
    def page(self) -> str:
        return self.path.relative_to(ROOT).as_posix().removeprefix("docs/")

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def words(self) -> list[str]:
        return self.info.partition("unrun:")[0].split()

    @property
    def unrun(self) -> str:
        """Why nobody runs it."""
        return self.info.partition("unrun:")[2].strip()

    @property
    def is_told(self) -> bool:
        """Whether it belongs to a page that is run from its beginning to its end."""
        return self.path in STORIES

    def option(self, key: str) -> str:
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")), "")

    @property
    def inputs(self) -> dict[str, str]:
        pairs = [word.split("=", 1) for word in self.words if "=" in word]
        return {name: value for name, value in pairs if name not in ("file", "error")}


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text("utf-8")
        found = list(FENCE.finditer(text))
        for match, after in zip_longest(found, found[1:]):
            line = text.count("\n", 0, match.start()) + 1
            yield Block(page, line, match[1], match[2], match[3], after[3] if after else "")


BLOCKS = list(blocks())


def run_python(block: Block, namespace: dict[str, Any]) -> list[tuple[str, str]]:
    """Runs a block; returns what each `expression  # → repr` gave, beside what it should give."""
    checked: list[tuple[str, str]] = []

    def claim(value: Any, expected: str) -> None:
        checked.append((repr(value), expected))

    text = re.sub(
        r"^(\s*)(\S.*?)\s+# → (.*)$",
        lambda m: f"{m[1]}_claim(({m[2]}), {m[3]!r})",
        block.text,
        flags=re.MULTILINE,
    )
    namespace |= {"__name__": "docs", "_claim": claim}
    exec(compile(text, block.place, "exec", dont_inherit=True), namespace)
    assert len(checked) == block.text.count("# → ")
    return checked


@dataclass
class Shell:
    """Runs commands as a reader types them, with `hotplate` and `python` those of the tests."""

    folder: Path
    code: int = 0
    """That of the last command."""
    runs: dict[str, str] = field(default_factory=dict)
    """By the name that a page shows, the real one: a recorded run has another each time."""

    def __post_init__(self) -> None:
        programs = self.folder / ".bin"
        programs.mkdir()
        (programs / "hotplate").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hotplate "$@"\n')
        (programs / "hotplate").chmod(0o755)
        # Python itself, not a script that finds it: gdb takes nothing else.
        path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
        modules = filter(None, sys.path)
        self.settings: dict[str, Any] = {
            "cwd": self.folder,
            "env": {**os.environ, "PATH": os.pathsep.join(path), "PYTHONPATH": os.pathsep.join(modules)},
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            "text": True,
        }

    def run(self, command: str) -> str:
        """What a command prints on both streams."""
        command = self.real(command)
        program, _, arguments = command.partition(" ")
        if program == "hotplate" and not re.search(r"[|;&$<>`]", arguments):
            output = self.folder / ".output"
            call = (str(self.folder), self.settings["env"], shlex.split(arguments), str(output))
            process = started.Process(target=hotplate_command, args=call)
            process.start()
            process.join()
            self.code = process.exitcode
            return output.read_text("utf-8")
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False, **self.settings)
        self.code = done.returncode
        return done.stdout

    def start(self, command: str, output: Path) -> subprocess.Popen[str]:
        """Starts a command that goes on; what it prints is in a file."""
        with output.open("w") as file:
            return subprocess.Popen(f"exec {self.real(command)}", shell=True, stdout=file, **self.settings)

    def check(self, block: Block) -> None:
        """Runs the commands of a `console` block and compares what they print with what it shows."""
        for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            if command == "echo $?":
                assert expected == f"{self.code}\n", block.place
                continue
            output = self.run(command).replace(str(self.folder), "/home/you")
            actual = "".join(f"{line}\n" for line in comparable(output))
            matched = re.fullmatch(pattern(comparable(expected)), actual)
            assert matched, f"{block.place}: {command} printed\n{output}"
            self.runs |= zip(RUN_NAME.findall(expected), matched.groups(), strict=True)

    def real(self, command: str) -> str:
        """A command with the real names of runs."""
        for shown, name in self.runs.items():
            command = re.sub(rf"(?<= ){shown[:4]}[0-9a-f]{{0,8}}\b", name, command)
        return command


started = multiprocessing.get_context("forkserver")
"""Makes processes that have hotplate imported: many commands, and each would spend longer on that than on its work."""
started.set_forkserver_preload(["hotplate.cli.app", "hotplate.session", "hotplate.run.store", "tests.pages"])


def hotplate_command(folder: str, environ: dict[str, str], arguments: list[str], output: str) -> None:
    """`hotplate ARGUMENTS` in a process of its own."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, file), (2, file)):
        os.dup2(descriptor, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["hotplate", *arguments]
    app.main()


def comparable(output: str) -> list[str]:
    """The lines without times, which differ, and with one space for many."""
    return [" ".join(DURATION.sub("", line).split()) for line in output.splitlines()]


def pattern(lines: Sequence[str]) -> str:
    """A regular expression for lines: `...` stands for any lines, an address and a run's name for any of its kind."""
    return "".join("(?:.*\n)*?" if line == "..." else pattern_of(line) + "\n" for line in lines)


def pattern_of(line: str) -> str:
    found = re.sub(r"\b0x[0-9a-f]+\b", "0x[0-9a-f]+", re.escape(line))
    found = re.sub(r"(slower|faster)\\ by\\ .*", r"\1 by .*", found)
    found = re.sub(r"(?<=hotplate\\ resume\\ )[0-9a-f]{4}", r"[0-9a-f]{4,}", found)
    return RUN_NAME.sub("([0-9a-f]{12})", found)
