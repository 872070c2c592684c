"""A real Jupyter kernel, asked as a frontend asks it."""

from __future__ import annotations

import os
import queue
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._manager = KernelManager()
        self._manager.kernel_spec.argv[:1] = [sys.executable]
        self._manager.start_kernel(cwd=str(folder), env=environment)
        self.client = self._manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, code: str, *, cell_id: str = "", when: Callable[[Reply], None] | None = None) -> Reply:
        """Executes a Jupyter cell. `when` is told of everything that comes while it runs."""
        content = {"code": dedent(code), "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": False}  # fmt: skip
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        self.client.shell_channel.send(message)
        reply = Reply()
        ids: dict[str, int] = {}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                got = self.client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"the kernel does not answer; so far: {reply}") from None
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if _is_idle(got):
                break
            _take(reply, got, ids)
            if when is not None:
                when(reply)
        reply.status = self._reply_to(message)["content"]["status"]
        return reply

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of a text."""
        answer = self.client.complete(code, reply=True, timeout=PATIENCE)
        return list(answer["content"]["matches"])

    def inspect(self, code: str) -> str:
        """The help on what stands at the end of a text."""
        answer = self.client.inspect(code, reply=True, timeout=PATIENCE)
        return str(answer["content"]["data"].get("text/plain", ""))

    def interrupt(self) -> None:
        """What the stop button does."""
        self._manager.interrupt_kernel()

    def stop(self) -> None:
        """Ends it."""
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def _reply_to(self, message: dict[str, Any]) -> dict[str, Any]:
        while True:
            got: dict[str, Any] = self.client.get_shell_msg(timeout=PATIENCE)
            if got["parent_header"].get("msg_id") == message["header"]["msg_id"]:
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
