"""How the line of a magic is read."""

from __future__ import annotations

import pytest

from hotplate.jupyter.options import split


@pytest.mark.parametrize(
    ("line", "escape", "words"),
    [
        (r"watch src\heat.c --flags='-O2 -g'", "", ["watch", r"src\heat.c", "--flags=-O2 -g"]),
        (r'watch "my files\heat.c"', "", ["watch", r"my files\heat.c"]),
        (r"watch my\ files/heat.c # not", "\\", ["watch", "my files/heat.c", "#", "not"]),
        ("", "\\", []),
    ],
)
def test_words_are_as_the_shell_of_the_system_has_them(line: str, escape: str, words: list[str]) -> None:
    assert split(line, escape) == words
