"""How Sphinx makes the documentation's site of the pages in this folder: `python3 build.py docs`.

The pages are Markdown whose links work in a repository's browser, too. The build fetches nothing, and neither does the
site: its fonts are the system's, and its search runs in the reader's browser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import hotplate

if TYPE_CHECKING:
    from pathlib import Path

    from sphinx.application import Sphinx

project = "hotplate"
author = "hotplate contributors"
copyright = "hotplate contributors; MIT license"
version = release = hotplate.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
exclude_patterns = ["_static"]
default_role = "code"  # docstrings put names into single backticks, as Markdown does

# Anchors of headings as repository browsers make them, so that the same link works in both places.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 100
add_module_names = False

nitpicky = True
nitpick_ignore_regex = [
    # Python's and NumPy's names: their documentation lies elsewhere, and the build asks nobody.
    (r"py:.*", r"(?!hotplate\b).*"),
    # What signatures name of the inside: a type variable, a base of errors, what a store hands out to take back.
    (r"py:class", r"hotplate\.session\.notebook\.F|hotplate\.errors\._Diagnosed"),
    (r"py:class", r"hotplate\.execute\.kill\.Killable|hotplate\.run\.store\.records\.Stored\w+"),
]

html_theme = "furo"
html_title = f"hotplate {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Sphinx calls this before it reads the pages."""
    app.connect("include-read", rebase_links)


def rebase_links(_app: Sphinx, path: Path, _page: str, content: list[str]) -> None:
    """The changelog and the page of the examples lie beside this folder, and their links start there."""
    text = re.sub(r"(\]\()(?!https?:|#)", rf"\1{path.parent.as_posix()}/", content[0])
    content[0] = text.replace("](../docs/", "](").replace("](../examples/README.md)", "](examples.md)")
