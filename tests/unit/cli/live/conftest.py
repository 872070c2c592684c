"""Pictures as a terminal shows them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from hotplate.cli.live.scene import Scene
from hotplate.cli.live.view import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.reload.board import Board


@pytest.fixture
def shown(board: Board) -> Callable[..., list[str]]:
    """The lines of the picture without colours: `shown(width=60, height=10, ...)`."""

    def render(width: int = 120, height: int = 30, **scene: Any) -> list[str]:
        page = io.StringIO()
        console = Console(file=page, width=width, color_system=None, legacy_windows=False, highlight=False)
        for part in picture(board, Scene(title="heat.c", width=width, height=height, **scene)):
            console.print(part, no_wrap=True, overflow="ellipsis")
        return [line.rstrip() for line in page.getvalue().splitlines()]

    return render
