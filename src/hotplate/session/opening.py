"""How a session begins: a notebook that is opened, or a cell from a line of code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate import notebook as notation
from hotplate.errors import InputError, SettingError
from hotplate.notebook.model import Language
from hotplate.session.contents import refuse_errors
from hotplate.session.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotplate.execute.workers.policy import Policy
    from hotplate.load import LoadedCell


def open(
    path: str | Path,
    *,
    compiler: str | None = None,
    flags: Sequence[str] = (),
    jobs: int | None = None,
    policy: Policy | None = None,
    sanitize: bool = False,
) -> Notebook:
    """Opens the notebook at `path`. See Notebook."""
    return Notebook(path, compiler=compiler, flags=flags, jobs=jobs, policy=policy, sanitize=sanitize)


def inline(text: str, *, language: str = "c", compiler: str | None = None, flags: Sequence[str] = ()) -> LoadedCell:
    """A one-off cell from source text, built and loaded. `language`: "c" or "c++".

    The text may hold helpers, types and includes besides its one cell. Raises NotebookError, BuildError, InputError.
    """
    if language not in set(Language):
        message = f"there is no language {language!r}; there are {', '.join(repr(str(known)) for known in Language)}"
        raise SettingError(message)
    suffix = ".cpp" if language == Language.CPP else ".c"
    notebook = Notebook(f"inline{suffix}", text=text, compiler=compiler, flags=flags)
    refuse_errors(notation.check(notebook.model, notebook.graph))
    names = list(notebook.model.cells)
    if len(names) != 1:
        found = f"it has {len(names)}: {', '.join(names)}" if names else "it has none"
        reasons = "".join(
            f"; {helper.name}: {helper.reason}" for helper in notebook.model.helpers.values() if helper.reason
        )
        message = f"inline code must hold exactly one cell, and {found}{reasons}"
        raise InputError(message)
    return notebook.load(names[0])
