"""compile_commands.json: whose entries are replaced, and what happens to the others."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.errors import SettingError
from hotplate.toolchain.cache import Cache
from hotplate.toolchain.database import CompilationDatabase, Owner, signed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> CompilationDatabase:
    return CompilationDatabase(tmp_path, Cache(tmp_path / "cache"))


def entry(folder: Path, *flags: str, name: str = "heat.c") -> dict[str, Any]:
    file = str(folder / name)
    return signed({"directory": str(folder), "file": file, "arguments": ["cc", *flags, "-c", file]})


def entries(database: CompilationDatabase) -> Any:
    return json.loads(database.path.read_text("utf-8"))


def test_the_first_entry_makes_the_file(database: CompilationDatabase, tmp_path: Path) -> None:
    assert database.update(entry(tmp_path)) is Owner.NOBODY
    assert entries(database) == [entry(tmp_path)]


def test_entries_of_other_files_stay_as_they_are_and_where_they_are(
    database: CompilationDatabase, tmp_path: Path
) -> None:
    others = [{"file": "/a.c", "command": "cc a.c"}, {"file": "b.c", "directory": "/b", "x": 1}]
    database.path.write_text(json.dumps([others[0], entry(tmp_path), others[1]]))
    assert database.update(entry(tmp_path, "-O3")) is Owner.HOTPLATE
    assert entries(database) == [others[0], entry(tmp_path, "-O3"), others[1]]


def test_an_entry_that_holds_already_is_not_written_again(database: CompilationDatabase, tmp_path: Path) -> None:
    text = json.dumps([entry(tmp_path)])  # in one line, as hotplate would not write it
    database.path.write_text(text)
    database.update(entry(tmp_path))
    assert database.path.read_text() == text


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({}, Owner.HOTPLATE),
        ({"arguments": ["cc", "-DMINE", "heat.c"]}, Owner.EDITED),
        ({"arguments": None}, Owner.EDITED),
        ({"output": "heat.o"}, Owner.OTHERS),
        ({"output": None}, Owner.OTHERS),
    ],
)
def test_who_wrote_an_entry_is_told_and_only_what_may_be_replaced_is(
    database: CompilationDatabase, tmp_path: Path, changes: dict[str, Any], owner: Owner
) -> None:
    before = {**entry(tmp_path), **changes}
    database.path.write_text(json.dumps([before]))
    assert database.update(entry(tmp_path, "-O3"), set(Owner) - {owner}) is owner
    assert entries(database) == [before]
    database.update(entry(tmp_path, "-O3"), {owner})
    assert entries(database) == [entry(tmp_path, "-O3")]


def test_an_entry_with_a_relative_file_is_found(database: CompilationDatabase, tmp_path: Path) -> None:
    database.path.write_text(json.dumps([{"directory": str(tmp_path / "x"), "file": "../heat.c", "command": "cc"}]))
    assert database.update(entry(tmp_path)) is Owner.OTHERS
    assert entries(database) == [entry(tmp_path)]


def test_a_link_to_a_file_elsewhere_stays_one(database: CompilationDatabase, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    database.path.symlink_to(tmp_path / "build" / "compile_commands.json")
    database.update(entry(tmp_path))
    assert database.path.is_symlink()
    assert entries(database) == [entry(tmp_path)]


@pytest.mark.parametrize("content", ["5", "{", '{"file": 1}', "[1]", "null", b"\xff"])
def test_a_file_that_is_no_database_is_left_alone(
    database: CompilationDatabase, tmp_path: Path, content: str | bytes
) -> None:
    database.path.write_bytes(text := content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingError, match=r"can't update .*; mend it, or move it away, and try again"):
        database.update(entry(tmp_path))
    assert database.path.read_bytes() == text


def test_where_nothing_can_be_written_nothing_is_left_behind(database: CompilationDatabase, tmp_path: Path) -> None:
    database.path.symlink_to(tmp_path / "nowhere" / "compile_commands.json")
    with pytest.raises(SettingError, match=r"can't update .*: No such file or directory; look who may write there"):
        database.update(entry(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "compile_commands.json"}


def test_notebooks_that_update_at_once_all_find_their_place(database: CompilationDatabase, tmp_path: Path) -> None:
    wanted = [entry(tmp_path, name=f"n{i}.c") for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(database.update, wanted))
    assert sorted(e["file"] for e in entries(database)) == sorted(e["file"] for e in wanted)
