"""Files that are watched from a shell: how a watch begins, and that none is left behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hotplate.reload.live import Live

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_ctrl_c_before_the_first_results_ends_the_watch(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heat.c").write_text("int n(void) { return 2; }\n", "utf-8")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Live, "wait_for", interrupted)
    assert isinstance(shell.run("%hotplate watch heat.c").error, KeyboardInterrupt)
    assert "no file is watched" in str(shell.run("%hotplate watch --stop heat.c").error)
    assert not [thread for thread in threading.enumerate() if thread.name == "hotplate-reload"]
