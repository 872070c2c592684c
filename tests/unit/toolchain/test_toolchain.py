"""What a compiler is asked apart from building."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hotplate.notebook import NotebookModel, read
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.toolchain import Compiler


def toolchain(compiler: Compiler, root: Path) -> Toolchain:
    return Toolchain(compiler=" ".join(compiler.c_command), environ={**os.environ, "HOTPLATE_CACHE_DIR": str(root)})


@pytest.fixture
def notebook(tmp_path: Path) -> NotebookModel:
    path = tmp_path / "notebook" / "n.c"
    path.parent.mkdir()
    path.write_text("int half;\ndouble cell(double x) { return x; }\n", "utf-8")
    return read(path)


def test_a_file_without_mistakes_has_no_findings_and_stays_alone(
    any_compiler: Compiler, notebook: NotebookModel, tmp_path: Path
) -> None:
    assert toolchain(any_compiler, tmp_path / "cache").check_syntax(notebook) == ()
    assert list(notebook.path.parent.iterdir()) == [notebook.path]


def test_a_mistake_is_found_where_it_is(any_compiler: Compiler, notebook: NotebookModel, tmp_path: Path) -> None:
    notebook.path.write_text("int half;\ndoubel cell(double x) { return x; }\n", "utf-8")
    [first, *_] = toolchain(any_compiler, tmp_path / "cache").check_syntax(read(notebook.path))
    assert (first.path, first.line) == (str(notebook.path), 2)
