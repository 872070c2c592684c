"""What a session's results take of memory, and when that goes back to the system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hotplate.execute.workers.arena import usage

if TYPE_CHECKING:
    from tests.unit.jupyter.conftest import Shell


@pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="there are no workers elsewhere")
def test_forgetting_all_cells_gives_their_memory_back_to_the_system(shell: Shell) -> None:
    shell.run("%hotplate reset")
    before = usage()
    shell.variables["big"] = np.ones(2_000_000)
    shell.cell("void dbl(int n, const double big[n], double out[n]) { for (int i = 0; i < n; i++) out[i] = big[i]; }")
    shell.variables["big"][0] = 2
    shell.run("%hotplate run")
    assert usage().free > before.free
    shell.run("%hotplate reset")
    assert (usage().used, usage().free) == (before.used, before.free)
