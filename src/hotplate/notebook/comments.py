"""The comment right above a function is its documentation."""

from __future__ import annotations

import re

from hotplate.notebook.sections import read_marker

__all__ = ["doc_above"]


def doc_above(text: str, start: int, comments: tuple[tuple[int, int], ...]) -> str:
    """The text of the comments that end on the line before `start`, without their markers; "" when there are none.

    A comment behind code belongs to that code, and a `// %%` line to its section.
    """
    block: list[str] = []
    for first, last in reversed(comments):
        comment = text[first:last]
        begins_line = not text[text.rfind("\n", 0, first) + 1 : first].strip()
        if text.count("\n", last, start) != 1 or not begins_line or read_marker(comment):
            break
        block.append(_plain(comment))
        start = first
    return "\n".join(reversed(block)).strip()


def _plain(comment: str) -> str:
    if comment.startswith("//"):
        return re.sub(r"^//[/!]?[<]? ?", "", comment).rstrip()
    body = re.sub(r"^/\*+[!<]?|\*+/$", "", comment)
    return "\n".join(re.sub(r"^\s*\*? ?", "", line).rstrip() for line in body.split("\n")).strip()
