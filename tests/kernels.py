"""A real Jupyter kernel, asked as a frontend asks it."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_client.manager import AsyncKernelManager

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
SOURCES = Path(__file__).parents[1] / "src"
PATIENCE = 60.0


@dataclass
class Reply:
    """What came of a Jupyter cell."""

    status: str = ""
    stdout: str = ""
    stderr: str = ""
    shown: list[dict[str, str]] = field(default_factory=list)
    """What was displayed, each by its MIME types; replaced outputs as they are at the end."""
    updates: list[dict[str, str]] = field(default_factory=list)
    result: dict[str, str] = field(default_factory=dict)
    error: str = ""
    """Its name and words."""
    traceback: str = ""

    @property
    def text(self) -> str:
        """All that was displayed, as text."""
        return "\n".join(bundle.get("text/plain", "") for bundle in self.shown)

    @property
    def value(self) -> str:
        """What the last expression gave, as text."""
        return self.result.get("text/plain", "")


class Kernel:
    """One kernel. `run` executes a cell and gives back everything that came of it."""

    def __init__(self, folder: Path) -> None:
        path = os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH", ""))))
        # The kernel sees no test, and takes fd 1 and 2 as it does elsewhere.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {"PYTHONPATH": path, "JUPYTER_RUNTIME_DIR": str(folder), "IPYTHONDIR": str(folder)}
        # The blocking client leaves loops to the collector of garbage, whose warnings are errors here.
        self._loop = asyncio.new_event_loop()
        self._manager = AsyncKernelManager()
        self._manager.kernel_spec.argv[:1] = [sys.executable]
        self._wait(self._manager.start_kernel(cwd=str(folder), env=environment))
        self._client = self._manager.client()
        self._client.start_channels()
        self._wait(self._client.wait_for_ready(timeout=PATIENCE))

    def run(self, code: str, *, cell_id: str = "", when: Callable[[Reply], None] | None = None) -> Reply:
        """Executes a Jupyter cell. `when` is told of everything that comes while it runs."""
        return self._wait(self._run(dedent(code), cell_id, when))

    def send(self, code: str) -> str:
        """Sends a Jupyter cell, and returns by which id what comes of it is known."""
        return str(self._client.execute(code))

    def published(self) -> dict[str, Any]:
        """The next message for everybody, of whichever Jupyter cell. Raises queue.Empty."""
        return dict(self._wait(self._client.get_iopub_msg(timeout=PATIENCE)))

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of a text."""
        return list(self._wait(self._reply_to(self._client.complete(code)))["content"]["matches"])

    def inspect(self, code: str) -> str:
        """The help on what stands at the end of a text."""
        return str(self._wait(self._reply_to(self._client.inspect(code)))["content"]["data"].get("text/plain", ""))

    def interrupt(self) -> None:
        """What the stop button does; for another thread, while a cell runs."""
        asyncio.run_coroutine_threadsafe(self._manager.interrupt_kernel(), self._loop).result(PATIENCE)

    def stop(self) -> None:
        """Ends it."""
        self._client.stop_channels()
        self._wait(self._manager.shutdown_kernel(now=True))
        self._loop.close()

    def _wait(self, task: Awaitable[T]) -> T:
        return self._loop.run_until_complete(task)

    async def _run(self, code: str, cell_id: str, when: Callable[[Reply], None] | None) -> Reply:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
                   "stop_on_error": False}  # fmt: skip
        message = self._client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        self._client.shell_channel.send(message)
        reply, ids = Reply(), {}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                got = await self._client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"the kernel does not answer; so far: {reply}") from None
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if _is_idle(got):
                break
            _take(reply, got, ids)
            if when is not None:
                when(reply)
        reply.status = (await self._reply_to(message["header"]["msg_id"]))["content"]["status"]
        return reply

    async def _reply_to(self, message: str) -> dict[str, Any]:
        while True:
            got: dict[str, Any] = await self._client.get_shell_msg(timeout=PATIENCE)
            if got["parent_header"].get("msg_id") == message:
                return got


def _is_idle(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def _take(reply: Reply, message: dict[str, Any], ids: dict[str, int]) -> None:
    content = message["content"]
    match message["msg_type"]:
        case "stream":
            setattr(reply, content["name"], getattr(reply, content["name"]) + content["text"])
        case "display_data":
            ids[content.get("transient", {}).get("display_id", "")] = len(reply.shown)
            reply.shown.append(content["data"])
        case "update_display_data":
            reply.updates.append(content["data"])
            at = ids.get(content["transient"]["display_id"])
            if at is not None:
                reply.shown[at] = content["data"]
        case "execute_result":
            reply.result = content["data"]
        case "error":
            reply.error = f"{content['ename']}: {content['evalue']}"
            reply.traceback = "\n".join(content["traceback"])
