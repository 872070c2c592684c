"""What README and docs claim is what happens: snippets run, commands print it, messages are the code's own.

docs/internals.md says which fences and tables are checked, and how they are written.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate import errors
from hotplate import notebook as notation
from hotplate.abi import Status, ffi
from hotplate.abi.core import meaning
from hotplate.cli import reports, sweeps
from hotplate.cli.app import app
from hotplate.cli.doctor import examine
from hotplate.cli.runs import comparison, one
from hotplate.diagnostic import Diagnostic, Severity, exit_code
from hotplate.errors import HotplateError
from hotplate.events import Kind
from hotplate.execute import OutcomeKind
from hotplate.notebook import drawing
from hotplate.notebook.model import Attributes
from hotplate.run.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])

FENCE = re.compile(r"^```(\w*)[ \t]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DURATION = re.compile(r"\b\d[\d.]* (?:µs|ms|s)(?!\w)")


@dataclass(frozen=True)
class Block:
    """A fenced piece of a page."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    next: str
    """The text of the fence after it."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

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
            words = tuple(match[2].split())
            yield Block(page.name, line, match[1], words, match[3], after[3] if after else "")


BLOCKS = list(blocks())
NOTEBOOKS = ("c", "cpp")


def chosen(*languages: str, word: str = "") -> pytest.MarkDecorator:
    """One test for each block of the languages that has the word, or an option that begins with it."""
    found = [b for b in BLOCKS if b.language in languages and (not word or any(w.startswith(word) for w in b.words))]
    assert found
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in found])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder where a block runs: the examples, and the files that its page gives a name."""
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


# ---- Python


def run_python(block: Block) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Runs a block in a fresh namespace; also what each `expression  # → repr` gave, beside what it should give."""
    checked: list[tuple[str, str]] = []

    def claim(value: Any, expected: str) -> None:
        checked.append((repr(value), expected))

    text = re.sub(
        r"^(\s*)(\S.*?)\s+# → (.*)$",
        lambda m: f"{m[1]}_claim(({m[2]}), {m[3]!r})",
        block.text,
        flags=re.MULTILINE,
    )
    namespace: dict[str, Any] = {"__name__": "docs", "_claim": claim}
    exec(compile(text, block.place, "exec", dont_inherit=True), namespace)
    return namespace, checked


@chosen("python", word="run")
def test_a_python_block_runs_and_gives_what_it_claims(block: Block, desk: Path) -> None:
    _, checked = run_python(block)
    assert [got for got, _ in checked] == [expected for _, expected in checked]
    assert len(checked) == block.text.count("# → ")


CALLS = next(b for b in BLOCKS if b.page == "python.md" and b.language == "python" and "dot =" in b.text)


@pytest.mark.parametrize("block", [CALLS], ids=["calls"])
def test_calls_that_do_not_fit_raise_these_errors(block: Block, desk: Path) -> None:
    namespace, _ = run_python(block)
    for call, expected in rows("python.md", "the call", "raises"):
        with pytest.raises((HotplateError, TypeError)) as caught:
            eval(call, namespace)
        assert f"{type(caught.value).__name__}: {caught.value}" == expected


# ---- the command line


def hotplate_command(arguments: str) -> tuple[str, int]:
    """What `hotplate ARGUMENTS` prints on both streams, and its exit code."""
    code = "from hotplate.cli.app import main; main()"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False, env=environ,
    )  # fmt: skip
    return done.stdout, done.returncode


def comparable(output: str) -> list[str]:
    """The lines without times, which differ, and with one space for many."""
    return [" ".join(DURATION.sub("", line).split()) for line in output.splitlines()]


def pattern(lines: Sequence[str]) -> str:
    return "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in lines)


@chosen("console")
def test_commands_print_what_the_page_shows(block: Block, desk: Path) -> None:
    code = 0
    for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = step.partition("\n")
        if command == "echo $?":
            assert expected == f"{code}\n"
            continue
        program, _, arguments = command.partition(" ")
        assert program == "hotplate"
        output, code = hotplate_command(arguments)
        actual = "".join(f"{line}\n" for line in comparable(output))
        assert re.fullmatch(pattern(comparable(expected)), actual), f"{command} printed\n{output}"


def sections_of_cli() -> dict[str, str]:
    parts = re.split(r"^## (.*)$", (ROOT / "docs/cli.md").read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(group: Any = None, prefix: str = "hotplate") -> Iterator[tuple[str, Any]]:
    for name, command in (group or app).commands.items():
        yield f"{prefix} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    heading = " ".join(name.split()[:2])
    section = sections_of_cli()[heading]
    assert f"`{name}" in section or f"$ {name}" in section
    options = {option for p in command.params if p.param_type_name == "option" for option in p.opts} - {"--help"}
    documented = set(re.findall(r"`(--[\w-]+)", section))
    assert options <= documented


def test_no_command_or_option_is_documented_that_does_not_exist() -> None:
    known = {option for _, command in commands() for p in command.params for option in (*p.opts, *p.secondary_opts)}
    names = {name for name, _ in commands()}
    for heading, section in sections_of_cli().items():
        assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", section)) <= known
        assert heading in names or not heading.startswith("hotplate ")


def test_build_script_verbs_in_the_readme_exist() -> None:
    usage = (ROOT / "build.py").read_text("utf-8")
    verbs = re.findall(r"python3 build\.py (\w+)", (ROOT / "README.md").read_text("utf-8"))
    assert set(verbs) == {"run", "test"}
    assert all(f"\n  {verb} " in usage for verb in verbs)


def keys_of(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*map(keys_of, document.values()))
    return set().union(*map(keys_of, document)) if isinstance(document, list) else set()


def test_every_key_of_the_json_documents_is_documented() -> None:
    text = sections_of_cli()["JSON"]
    nb = hotplate.Notebook("n.c", text="int f(int x) { return x; } void g(int f, double out[1]) { out[0] = f; }")
    report = {**examine(), "libraries": {}}
    documents = [
        reports.run_document("n.c", nb.run(x=1)),
        reports.error_document(HotplateError("")),
        reports.diagnostic_list([Diagnostic(Severity.ERROR, "")]),
        json.loads(drawing.as_json(nb.graph)),
        {**report, "chosen": [compiler for compiler in report["chosen"].values() if compiler]},
        dict.fromkeys(examine()["libraries"]),
    ]
    undocumented = {key for key in keys_of(documents) if f"`{key}`" not in text}
    assert not undocumented


def test_every_key_of_the_documents_about_recorded_runs_is_documented(tmp_path: Path) -> None:
    text = sections_of_cli()["JSON"]
    nb = hotplate.Notebook("n.c", text="int f(int x) { return x; }")
    with RunStore.open(tmp_path) as store:
        record = store.find_run(nb.run(x=1, record=store).id)
        shown = one.document(store, record)
        # Keys that are names of what the notebook has, or of nothing, are not the document's own.
        own = {**shown, "given": list(shown["given"].values()), "outcomes": None}
        documents = [
            {**own, "results": [{**cell, "contents": None} for cell in shown["results"]]},
            comparison.document(comparison.compare(store, record, record)),
            {**sweeps.document("n.c", nb.sweep(x=[1])), "axes": {}, "points": []},
        ]
    undocumented = {key for key in keys_of(documents) if f"`{key}`" not in text}
    assert not undocumented


def test_every_status_of_a_cell_is_documented() -> None:
    text = sections_of_cli()["hotplate run"]
    in_process = set(OutcomeKind) - {OutcomeKind.CRASHED, OutcomeKind.LOST, OutcomeKind.BUILD_FAILED}
    assert all(f"| `{status}` |" in text for status in {"kept", "given", *in_process})


# ---- vocabularies


def documented(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


@pytest.mark.parametrize("name", hotplate.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert f"`{name}`" in documented("python.md")


def test_the_error_tree_is_the_one_of_the_module() -> None:
    shown = next(b.text for b in BLOCKS if b.page == "python.md" and b.text.startswith("HotplateError\n"))
    assert shown in re.sub(r"^    ", "", errors.__doc__ or "", flags=re.MULTILINE)
    assert sorted(re.findall(r"^[│├└─ ]*(\w+)", shown, re.MULTILINE)) == sorted(errors.__all__)


def test_every_event_is_documented() -> None:
    assert all(f"`{kind}`" in documented("python.md") for kind in Kind)


def test_every_attribute_is_documented() -> None:
    for field in fields(Attributes):
        assert f"| `{field.name}` |" in documented("notation.md")


def test_every_status_of_the_interface_is_documented_with_its_meaning() -> None:
    for status in Status:
        assert f"| `HP_{status.name}` | {status.value} | {meaning(status)} |" in documented("abi.md")


def test_documented_sizes_of_structures_are_those_of_the_core() -> None:
    table = re.findall(r"^\| `(hp_\w+)` \| (\d+) \|", documented("abi.md"), re.MULTILINE)
    assert len(table) > 5
    assert {name: ffi.sizeof(name) for name, _ in table} == {name: int(size) for name, size in table}


@pytest.mark.parametrize("structure", ["hp_cell", "hp_port", "hp_value", "hp_ctx"])
def test_every_field_of_a_structure_is_documented(structure: str) -> None:
    header = (ROOT / "csrc/include/hotplate.h").read_text("utf-8")
    names = [name for name, _ in ffi.typeof(structure).fields if name not in ("reserved", "as")]
    assert names
    assert all(f"`{name}`" in documented("abi.md") and re.search(rf"\b{name}\b", header) for name in names)


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "build.py"]
    read = {name for path in sources for name in re.findall(r"\bHOTPLATE_[A-Z_]+\b", path.read_text("utf-8"))}
    shown = {name for page in PAGES for name in re.findall(r"\bHOTPLATE_[A-Z_]+\b", page.read_text("utf-8"))}
    assert shown == read


# ---- links


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", file.read_text("utf-8")), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name} links to {target}"


def test_the_readme_names_every_example() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for path in (ROOT / "examples").iterdir():
        if path.suffix in {".c", ".cpp", ".py"}:
            assert f"[{path.name}](examples/{path.name})" in text
