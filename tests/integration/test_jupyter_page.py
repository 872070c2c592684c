"""docs/jupyter.md is run from its beginning to its end, as a reader does, in one kernel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.kernels import Kernel
from tests.pages import BLOCKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernels import Reply
    from tests.pages import Block

PAGE = [block for block in BLOCKS if block.page == "jupyter.md"]
VALUE = re.compile(r"^(?P<expression>\S.*?)\s+# → (?P<shown>.*)$", re.MULTILINE)


def test_the_page_says_what_happens(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    try:
        shown = ""
        for block in PAGE:
            if block.words == ["shows"]:
                assert missing(block, shown) == [], f"{block.place}\n{shown}"
            else:
                shown = run(kernel, block)
    finally:
        kernel.stop()


def test_every_block_of_the_page_is_run_or_compared() -> None:
    assert {tuple(block.words) for block in PAGE} == {("cell",), ("cell", "fails"), ("shows",)}


def run(kernel: Kernel, block: Block) -> str:
    """Runs a block, and gives back what was shown; claims about values are looked at one by one."""
    claims = list(VALUE.finditer(block.text))
    code = VALUE.sub("", block.text) if claims else block.text
    reply = kernel.run(code, cell_id=block.place)
    assert (reply.status == "error") == ("fails" in block.words), f"{block.place}: {reply}"
    for claim in claims:
        assert kernel.run(claim["expression"]).value == claim["shown"], f"{block.place}: {claim[0]}"
    return said(reply)


def said(reply: Reply) -> str:
    return "\n".join((reply.stdout, reply.text, reply.value))


def missing(block: Block, shown: str) -> list[str]:
    return [line for line in block.text.splitlines() if line.strip() not in shown]


@pytest.mark.parametrize("text", ["step waits for nothing", ":5:30: error"])
def test_what_is_not_shown_is_noticed(text: str) -> None:
    block = next(block for block in PAGE if block.words == ["shows"])
    assert missing(block, text) != []
