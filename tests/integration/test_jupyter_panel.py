"""Pictures in a real kernel: the live panel lands in the output that shows it, whichever cell runs; the last stays."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest

from tests import optional

optional.module("jupyter_client")
ipykernel = optional.module("ipykernel")

from tests.kernels import Kernel  # noqa: E402  # it imports what may not be there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLLOWS_CONTEXTS = ipykernel.version_info[0] >= 7
"""Before, what any thread sent was of the cell that ran last; front ends go by the output's own id."""
CODE = """\
double base(void) { return 2; }
double twice(double base) { return 2 * base; }
"""
DIRECTLY = (
    """\
import hotplate
from hotplate.jupyter.live_panel import LivePanel
nb = hotplate.open({path!r})
panel = LivePanel(nb).__enter__()
live = nb.watch(on_event=panel).__enter__()
panel.follow(live)
""",
    "live.stop(); panel.close()",
)
BY_MAGIC = ("%load_ext hotplate\n%hotplate watch {path}", "%hotplate watch --stop")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    yield running
    running.stop()


def until(kernel: Kernel, words: str) -> Any:
    """The first message that shows these words, of whichever cell."""
    seen: list[str] = []
    while True:
        try:
            message = kernel.published()
        except queue.Empty:
            raise AssertionError(f"nothing showed {words!r}: {seen}") from None
        content = message["content"]
        seen.append(content.get("data", {}).get("text/plain", "") or content.get("evalue", ""))
        if words in seen[-1]:
            return message


@pytest.mark.parametrize(("watch", "stop"), [DIRECTLY, BY_MAGIC], ids=["directly", "by magic"])
def test_pictures_replace_the_first_one_while_other_cells_run(
    kernel: Kernel, notebook: Callable[..., Path], watch: str, stop: str
) -> None:
    path = notebook(CODE)
    first = kernel.send(watch.format(path=str(path)))
    shown = until(kernel, path.name)
    until(kernel, "twice  ✓ ok")
    other = kernel.send("'another cell'")
    until(kernel, "another cell")
    path.write_text(CODE.replace("return 2;", "return 3;"), "utf-8")
    newer = until(kernel, "v2  waiting for a change")  # "float 6" alone may be a draft, whose version is still v1
    assert "float 6" in newer["content"]["data"]["text/plain"]
    assert newer["msg_type"] == "update_display_data"
    assert newer["content"]["transient"] == shown["content"]["transient"]
    owner = first if FOLLOWS_CONTEXTS else other
    assert newer["parent_header"]["msg_id"] == owner

    path.write_text(CODE.replace("return 2;", "return <oops>;"), "utf-8")
    refused = until(kernel, "running v2; the file is newer and does not compile")
    assert refused["parent_header"]["msg_id"] == owner
    assert "<oops>" not in refused["content"]["data"]["text/html"]

    last = kernel.send(stop)
    final = until(kernel, f"{path.name} v2  ended")
    assert final["content"]["transient"] == shown["content"]["transient"]
    assert final["parent_header"]["msg_id"] == last


def test_objects_are_pictures_without_an_extension(kernel: Kernel, notebook: Callable[..., Path]) -> None:
    ran = kernel.run(f"import hotplate\nnb = hotplate.open({str(notebook(CODE))!r})\nnb.run()")
    assert "<table>" in ran.result["text/html"]
    assert "2 of 2 cells" in ran.value
    opened = kernel.run("nb")
    assert "<svg" in opened.result["text/html"]
    assert "twice  ok, float" in opened.value
