"""Each Jupyter cell may include what it needs, whatever others have included."""

from __future__ import annotations

from pathlib import Path

from hotplate.jupyter.composite import Composite, compose
from hotplate.jupyter.fragments import Fragment
from hotplate.notebook.model import Language


def composed(*texts: str) -> Composite:
    fragments = [
        Fragment(text, Language.C, f"In[{serial}]", serial, position=serial) for serial, text in enumerate(texts, 1)
    ]
    return compose(Path("session.c"), fragments)


def test_a_header_that_an_earlier_cell_includes_changes_nothing_for_that_cell() -> None:
    first = "#include <stdint.h>\nint64_t a(void) { return 1; }\n"
    text = composed(first, "#include  <stdint.h>  // again\nint64_t b(void) { return 2; }\n").text
    assert text.count("#include") == 1
    assert text.startswith(composed(first).text)


def test_places_stay_as_they_are_where_a_header_is_left_out() -> None:
    both = composed("#include <stdint.h>\nint a(void) { return 1; }", "#include <stdint.h>\nint b(void) { return 2; }")
    found = both.place(both.model.cells["b"].span.line)
    assert found is not None
    assert (found[0].place, found[1]) == ("In[2]", 3)  # the line with the magic is counted


def test_files_of_ones_own_may_be_included_again() -> None:
    assert composed('#include "table.def"\n', '#include "table.def"\n').text.count("#include") == 2
