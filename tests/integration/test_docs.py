"""README and docs name all that there is, and nothing else; their links lead somewhere."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate import errors
from hotplate.abi import Status, ffi
from hotplate.abi.core import meaning
from hotplate.cli import reports, sweeps
from hotplate.cli.app import app
from hotplate.cli.doctor import examine
from hotplate.cli.runs import comparison, one
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import HotplateError
from hotplate.events import Kind
from hotplate.execute import OutcomeKind
from hotplate.notebook import drawing
from hotplate.notebook.model import Attributes
from hotplate.run.store import RunStore
from tests.pages import BLOCKS, FENCE, PAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# ---- the command line


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
    assert {"run", "test"} <= set(verbs)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
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
