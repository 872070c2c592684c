"""The documentation's site, as `build.py docs` has just built it: complete, and all of it on the reader's own disk."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import hotplate
from hotplate import errors
from hotplate.cli.app import app

SITE = Path(__file__).parents[1] / "build" / "docs"


class Page(HTMLParser):
    """What a page of the site refers to, and which parts of it can be referred to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        """What a browser fetches to show it."""
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.add(values.get("id", ""))
        asked = set(values.get("rel", "").split()) & {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch"}
        if tag == "a" or (tag == "link" and not asked):
            self.links.append(values.get("href", ""))
        else:
            self.fetched += [values[name] for name in ("src", "href", "srcset", "poster", "data") if name in values]


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    return {path: Page(path) for path in SITE.rglob("*.html")}


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Page]) -> None:
    fetched = [(path.name, target) for path, page in pages.items() for target in page.fetched]
    assert fetched
    assert [it for it in fetched if re.match(r"(?:https?:)?//", it[1])] == []
    sheets = [path.read_text("utf-8") for path in SITE.rglob("*.css")]
    assert sheets
    assert [
        found for text in sheets for found in re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", text)
    ] == []


def test_what_is_fetched_and_linked_to_is_there(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for target in [*page.fetched, *page.links]:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert file.exists(), f"{path.name} refers to {target}"
            if parts.fragment and file in pages:
                assert unquote(parts.fragment) in pages[file].anchors, f"{path.name} refers to {target}"


def public_names() -> list[str]:
    """What users see: the package's names and the methods of its classes, and every error."""
    names = [f"hotplate.errors.{name}" for name in errors.__all__]
    for name in set(hotplate.__all__) - {"__version__", "errors"}:
        value = getattr(hotplate, name)
        names.append(f"hotplate.{name}")
        if isinstance(value, type):
            names += [f"hotplate.{name}.{member}" for member in vars(value) if not member.startswith("_")]
    return sorted(names)


INTERNAL = {
    *(f"hotplate.AttemptPolicy.{name}" for name in ("of", "ever_retries", "is_last")),
    *(f"hotplate.{kind}Backoff.{name}" for kind in ("Fixed", "Exponential") for name in ("longest", "wait", "ceiling")),
    *(f"hotplate.RunStore.{name}" for name in ("begin", "claim", "lookup")),
    "hotplate.Policy.pack",
}
"""What other parts of hotplate call."""

TOLD_BY_THE_CLASS = {
    *(f"hotplate.FixedBackoff.{name}" for name in ("seconds", "jitter")),
    *(f"hotplate.ExponentialBackoff.{name}" for name in ("base", "maximum", "factor", "jitter")),
    *(f"hotplate.Policy.{name}" for name in ("memory_bytes", "cpu_seconds", "file_bytes")),
}
"""Fields that have no docstring of their own."""


def test_every_public_name_has_its_docstring_on_the_site(pages: dict[Path, Page]) -> None:
    anchors = pages[SITE / "api.html"].anchors
    assert [name for name in public_names() if name not in anchors | INTERNAL | TOLD_BY_THE_CLASS] == []
    assert sorted(INTERNAL & anchors) == []


def commands(group: Any, prefix: str) -> list[tuple[str, Any]]:
    found = [(prefix, group)]
    for name, command in getattr(group, "commands", {}).items():
        found += commands(command, f"{prefix}-{name}")
    return found


@pytest.mark.parametrize(("name", "command"), commands(app, "hotplate"))
def test_every_command_and_option_is_on_the_site(name: str, command: Any, pages: dict[Path, Page]) -> None:
    anchors = pages[SITE / "commands.html"].anchors
    assert name in anchors
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if option != "--help" and f"cmdoption-{name}{option[1:]}" not in anchors] == []
