"""The keys of the live view."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.cli.live.terminal import Screen


class Keyboard(Protocol):
    """Keys without waiting for Enter and without echo."""

    def take(self) -> None:
        """From here on each key is given to the view, if this process is in the foreground."""

    def give_back(self) -> None:
        """Puts the terminal into the state in which it was."""

    def close(self) -> None:
        """Gives it back for good."""


def keyboard(screen: Screen, give: Callable[[str], None]) -> Keyboard | None:
    """The keyboard, if stdin is a terminal."""
    if not sys.stdin or sys.stdin.closed or not sys.stdin.isatty():
        return None
    if sys.platform == "win32":
        from hotplate.cli.live.keys_windows import WindowsKeyboard

        return WindowsKeyboard(give)
    else:  # noqa: RET505 - type checkers pass over what is in the branch of another system
        from hotplate.cli.live.keys_posix import PosixKeyboard

        return PosixKeyboard(screen, give)
