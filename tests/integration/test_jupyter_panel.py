"""The live panel in a real kernel: pictures land in the output that shows it, whichever cell runs; the last stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client", reason="Jupyter's client is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CODE = """\
double base(void) { return 2; }
double twice(double base) { return 2 * base; }
"""
WATCH = """\
import hotplate
from hotplate.jupyter.live_panel import LivePanel
nb = hotplate.open({path!r})
panel = LivePanel(nb).__enter__()
live = nb.watch(on_event=panel).__enter__()
panel.follow(live)
live.wait_for(lambda status: status.run is not None, 30)
"""


class Kernel:
    """A running kernel, and what it published."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.published: list[Any] = []

    def run(self, code: str) -> str:
        """Runs a cell, and returns the id by which what it publishes is known."""
        request: str = self._client.execute(code)
        reply = self._client.get_shell_msg(timeout=60)
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", ()))
        return request

    def until(self, words: str) -> Any:
        """The first message from now on that shows these words."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            message = self._client.get_iopub_msg(timeout=60)
            self.published.append(message)
            if words in message["content"].get("data", {}).get("text/plain", ""):
                return message
        raise AssertionError(f"nothing showed {words!r}: {self.published}")


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager = jupyter_client.KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_pictures_replace_the_first_one_while_other_cells_run(kernel: Kernel, notebook: Callable[..., Path]) -> None:
    path = notebook(CODE)
    first = kernel.run(WATCH.format(path=str(path)))
    shown = kernel.until(path.name)
    kernel.until("twice  ✓ ok")
    other = kernel.run("x = 1")
    path.write_text(CODE.replace("return 2;", "return 3;"), "utf-8")
    newer = kernel.until("float 6")
    assert newer["msg_type"] == "update_display_data"
    assert newer["content"]["transient"] == shown["content"]["transient"]
    assert newer["parent_header"]["msg_id"] == first != other

    path.write_text(CODE.replace("return 2;", "return <oops>;"), "utf-8")
    refused = kernel.until("running v2; the file is newer and does not compile")
    assert refused["parent_header"]["msg_id"] == first
    assert "<oops>" not in refused["content"]["data"]["text/html"]

    last = kernel.run("live.stop(); panel.close()")
    final = kernel.until("notebook.c v2  ended")
    assert final["content"]["transient"] == shown["content"]["transient"]
    assert final["parent_header"]["msg_id"] == last


def test_objects_are_pictures_without_an_extension(kernel: Kernel, notebook: Callable[..., Path]) -> None:
    kernel.run(f"import hotplate\nnb = hotplate.open({str(notebook(CODE))!r})\nnb.run()")
    assert "<table>" in kernel.until("2 of 2 cells")["content"]["data"]["text/html"]
    kernel.run("nb")
    assert "<svg" in kernel.until("twice  ok, float")["content"]["data"]["text/html"]
