"""`hotplate watch` in a real terminal: what it shows while files change, and how it leaves the terminal."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Terminal = Callable[..., "Pane"]

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux to look through")

PATIENCE = 20.0  # seconds; what is waited for comes at once on a quiet machine
PROMPT = r"^\$ ?\Z"
NOTEBOOK = """\
#include <stdint.h>
#include <stdio.h>

int64_t n(void) { return 8; }

void x(int64_t n, double dt, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = dt * (double)i;
}

double total(int64_t n, const double x[n]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}
"""


class Pane:
    """A shell in a terminal of tmux."""

    def __init__(self, folder: Path, width: int, height: int, **environ: str) -> None:
        self._socket = str(folder / "tmux")
        self._folder = folder
        self._answers = 0
        settings = {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "LC_ALL": "C.UTF-8",
            "HISTFILE": "",
            "BASH_SILENCE_DEPRECATION_WARNING": "1",
        }
        self._environ = {**os.environ, **settings, **environ}
        size = ("-x", str(width), "-y", str(height))
        self.tmux(
            "-f", os.devnull, "start-server", ";", "set", "-g", "history-limit", "60000", ";", *self._session(size)
        )
        self.wait_for(PROMPT)

    def _session(self, size: tuple[str, ...]) -> tuple[str, ...]:
        return "new-session", "-d", *size, "-c", str(self._folder), "env 'PS1=$ ' bash --norc --noprofile"

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def line(self, text: str) -> None:
        self.keys(text, "Enter")

    def watch(self, *arguments: object, before: str = "") -> None:
        words = [sys.executable, "-m", "hotplate", "watch", *map(str, arguments)]
        self.line(f"clear; {before} {shlex.join(words)}")

    def screen(self, *options: str) -> str:
        return self.tmux("capture-pane", "-p", *options).rstrip("\n")

    def history(self) -> str:
        return self.screen("-S", "-", "-J")

    def wait_for(self, pattern: str, *, absent: str = "") -> str:
        """The screen, as soon as the pattern is on it, and `absent` is not."""
        deadline = time.monotonic() + PATIENCE
        while True:
            shown = self.screen()
            if re.search(pattern, shown, re.MULTILINE) and not (absent and re.search(absent, shown, re.MULTILINE)):
                return shown
            assert time.monotonic() < deadline, f"no {pattern!r} (or still {absent!r}) on\n{shown}"
            time.sleep(0.02)

    def run(self, command: str) -> str:
        """What a command prints that the shell is given."""
        self._answers += 1
        self.line(f"{{ {command}; }} > answer; clear; echo answer {self._answers}")
        self.wait_for(f"^answer {self._answers}$")
        return (self._folder / "answer").read_text()

    @property
    def cursor_is_visible(self) -> bool:
        return self.tmux("display", "-p", "#{cursor_flag}").strip() == "1"

    def close(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Opens terminals: `terminal(100, 30)`; settings of the environment by name."""
    opened: list[Pane] = []

    def new(width: int = 100, height: int = 30, **environ: str) -> Pane:
        opened.append(Pane(tmp_path, width, height, **environ))
        return opened[-1]

    yield new
    for pane in opened:
        pane.close()


@pytest.fixture
def pane(terminal: Terminal) -> Pane:
    return terminal()


@pytest.fixture
def heat(tmp_path: Path) -> Path:
    path = tmp_path / "heat.c"
    path.write_text(NOTEBOOK)
    return path


def replaced(path: Path, old: str, new: str) -> None:
    """Saves as editors do that write a new file and move it over the old one."""
    text = path.read_text()
    assert old in text
    beside = path.with_suffix(".new")
    beside.write_text(text.replace(old, new))
    beside.replace(path)


# ---- what is shown


def test_cells_their_edges_and_their_values_are_shown(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    shown = pane.wait_for("waiting for a change")
    assert re.search(r"^heat\.c  v1  waiting for a change$", shown, re.MULTILINE)
    assert re.search(r"^✓ n +ok +.*int +8$", shown, re.MULTILINE)
    assert re.search(r"^✓ x +<- n, dt \(input\) +ok .* float64\[8\] +▁▂▃▄▅▆▇█ +\[0\. +0\.5", shown, re.MULTILINE)
    assert re.search(r"^✓ total +<- n, x +ok .* float +14$", shown, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d  (built \d of 3, )?ran 3 · [\d.]+ m?s$", shown, re.MULTILINE)


SED, IN_PLACE, RENAME = "sed -i", "in place", "rename"


@pytest.mark.parametrize("way", [SED, IN_PLACE, RENAME])
def test_a_save_reruns_what_it_touched(pane: Pane, heat: Path, way: str) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    if way == SED:
        subprocess.run(["sed", "-i", "s/double sum = 0/double sum = 100/", str(heat)], check=True)
    elif way == IN_PLACE:
        heat.write_text(NOTEBOOK.replace("sum = 0", "sum = 100"))
    else:
        replaced(heat, "sum = 0", "sum = 100")
    shown = pane.wait_for(r"total .* 114$", absent="running|building")
    assert re.search(r"^= x .* kept +up to date", shown, re.MULTILINE)
    assert re.search(r"^✓ total .* ok +edited .*▁█ +114$", shown, re.MULTILINE)
    assert re.search(r"(built 1 of 3, )?reran 1 · ", shown)
    assert "heat.c  v2" in shown


@pytest.mark.skipif(shutil.which("vim") is None, reason="there is no vim")
def test_a_save_by_vim_in_the_pane_beside_is_seen(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    pane.tmux("split-window", "-v", f"vim -Nu NONE -n {heat}")
    pane.keys(":%s/sum = 0/sum = 100/", "Enter", ":wq", "Enter")
    pane.wait_for(r"total .* 114$", absent="running|building")


def test_an_error_is_shown_in_its_place_until_it_is_mended_and_old_results_have_a_mark(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    replaced(heat, "double sum = 0;", "double sum = zero;")
    shown = pane.wait_for("zero")
    shown = pane.wait_for("the file is newer")
    assert re.search(r"^running v1; the file is newer and does not compile", shown, re.MULTILINE)
    assert re.search(r"^✗ total .* broken +does not compile .* 14$", shown, re.MULTILINE)
    line = "   11 |     double sum = zero;"
    assert f"{line}\n      |                  ^~~~" in shown or f"{line}\n      |                  ^" in shown
    assert re.search(r"refused: 1 error · ", shown)
    replaced(heat, "double sum = zero;", "double sum = 1;")
    shown = pane.wait_for(r"total .* 15$", absent="does not compile")
    assert "zero" not in shown


def test_a_notebook_that_does_not_compile_at_the_start_waits_for_its_repair(pane: Pane, heat: Path) -> None:
    replaced(heat, "return 8;", "return 8")
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"heat\.c:4:.* error: ")
    replaced(heat, "return 8", "return 8;")
    pane.wait_for(r"total .* 14$", absent="error")


def test_a_storm_of_saves_ends_with_the_newest_text(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    for number in range(1, 101):
        heat.write_text(NOTEBOOK.replace("sum = 0", f"sum = {number * 1000}"))
        time.sleep(0.02)
    shown = pane.wait_for(r"total .* 100014$", absent="running|building")
    assert shown.count("heat.c  v") == 1


def test_results_of_long_runs_show_their_progress(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "slow.c"
    path.write_text(
        "#include <hotplate.h>\n#include <unistd.h>\nint slow(hp_ctx *ctx) {\n"
        "    hp_progress(ctx, 30, 60);\n    while (!hp_check(ctx)) usleep(1000);\n    return 0;\n}\n"
    )
    pane.watch(path)
    pane.wait_for(r"slow +running .* \d+\.\d s +━+[╸ ━]* 50%")
    pane.keys("q")
    pane.wait_for(r"^- slow +cancelled")


# ---- what cells print


def test_what_cells_print_goes_past_above_and_nothing_is_lost(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "chatty.c"
    path.write_text(
        "#include <stdio.h>\n"
        'int chatty(void) { for (int i = 0; i < 20000; i++) printf("line %d\\n", i); return 1; }\n'
        'int last(int chatty) { fputs("without an end", stderr); return chatty + 1; }\n'
    )
    pane.watch(path)
    shown = pane.wait_for(r"^without an end\nchatty\.c  v1  waiting for a change")
    assert re.search(r"^line 19999$", shown, re.MULTILINE)
    pane.keys("q")
    pane.wait_for(PROMPT)
    printed = re.findall(r"^line (\d+)$", pane.history(), re.MULTILINE)
    assert printed == [str(i) for i in range(20000)]


def test_what_cells_print_cannot_move_the_view(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "wild.c"
    path.write_text(
        "#include <stdio.h>\n"
        'int wild(void) { puts("\\033[2J\\033[5;5Hmoved\\033[?1049h \\f\\033[31mred"); return 7; }\n'
    )
    pane.watch(path)
    pane.wait_for(r"^moved red\nwild\.c  v1")
    pane.wait_for(r"wild .* 7$", absent="running")


def test_cells_that_read_stdin_do_not_take_the_keys(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "reader.c"
    path.write_text("#include <stdio.h>\nint reader(void) { return getchar(); }\n")
    pane.watch(path)
    pane.wait_for(r"reader .* -1$")
    pane.keys("q")
    pane.wait_for(PROMPT)


# ---- keys


def test_r_runs_everything_again(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    pane.keys("r")
    pane.wait_for(r"  reran 3 · ")


def test_b_goes_back_one_version_and_says_so(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total .* 14$")
    pane.keys("b")
    pane.wait_for("there is no version before v1 to go back to")
    replaced(heat, "sum = 0", "sum = 100")
    pane.wait_for(r"total .* 114$", absent="running|building")
    pane.keys("b")
    shown = pane.wait_for(r"total .* 14$")
    assert "running v3; the file is newer and v1 was asked for" in shown


def test_help_comes_and_goes_and_keys_are_not_echoed(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"^q quit")
    pane.keys("z", "z", "Up", "?")
    shown = pane.wait_for("draws the screen anew")
    assert "zz" not in shown
    pane.keys("?")
    pane.wait_for(r"^q quit", absent="draws the screen anew")


# ---- how it ends

MODES = "stty -g"
Q, CTRL_C, TERM, HUP = "q", "Ctrl-C", "TERM", "HUP"


@pytest.mark.parametrize(("way", "code"), [(Q, 0), (CTRL_C, 130), (TERM, 143), (HUP, 129)])
def test_the_terminal_is_left_as_it_was(pane: Pane, heat: Path, way: str, code: int) -> None:
    before = pane.run(MODES)
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for("waiting for a change")
    assert not pane.cursor_is_visible
    if way in (Q, CTRL_C):
        pane.keys("q" if way == Q else "C-c")
    else:
        pane.tmux("run-shell", f"kill -{way} $(pgrep -P #{{pane_pid}})")
    shown = pane.wait_for(PROMPT)
    assert re.search(r"^✓ total .* 14$", shown, re.MULTILINE), "the last picture stays"
    assert ("hotplate: interrupted" in shown) is (way == CTRL_C)
    assert pane.cursor_is_visible
    assert pane.run("echo $?") == f"{code}\n"
    assert pane.run(MODES) == before


def test_after_ctrl_z_the_terminal_is_the_shells_and_fg_comes_back(pane: Pane, heat: Path) -> None:
    before = pane.run(MODES)
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for("waiting for a change")
    pane.keys("C-z")
    pane.wait_for(r"Stopped[\s\S]*" + PROMPT)
    assert pane.cursor_is_visible
    assert pane.run(MODES) == before
    replaced(heat, "sum = 0", "sum = 100")
    pane.line("clear; fg")
    pane.wait_for(r"total .* 114$", absent="running|building")
    assert not pane.cursor_is_visible
    pane.keys("q")
    pane.wait_for(PROMPT)
    assert pane.run(MODES) == before


def test_in_the_background_it_neither_draws_nor_takes_keys(pane: Pane, heat: Path) -> None:
    pane.line(f"clear; {sys.executable} -m hotplate watch {heat} --set dt=0.5 &")
    pane.wait_for(r"^\[1\]")
    assert pane.run("sleep 1; echo typed") == "typed\n"
    assert "heat.c  v" not in pane.history()
    pane.line("clear; fg")
    pane.wait_for("waiting for a change")
    pane.keys("q")
    pane.wait_for(PROMPT)


DEAF = """\
#include <stdio.h>
#include <unistd.h>
int deaf(void) { fputs("begun\\n", stderr); for (int i = 0; i < 600; i++) usleep(100000); return 1; }
"""


def test_a_cell_that_cannot_be_stopped_is_named_and_a_second_ctrl_c_ends_all(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "deaf.c"
    path.write_text(DEAF)
    before = pane.run(MODES)
    pane.watch(path)
    pane.wait_for("^begun")
    pane.keys("C-c")
    pane.wait_for("^deaf can't be stopped; it goes on until it returns. Ctrl-C ends hotplate at once")
    pane.keys("C-c")
    pane.wait_for(PROMPT)
    assert pane.cursor_is_visible
    assert pane.run("echo $?") == "130\n"
    assert pane.run(MODES) == before


def test_sigterm_does_not_wait_for_a_cell_that_cannot_be_stopped(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "deaf.c"
    path.write_text(DEAF)
    before = pane.run(MODES)
    pane.watch(path)
    pane.wait_for("^begun")
    pane.tmux("run-shell", "kill $(pgrep -P #{pane_pid})")
    pane.wait_for(PROMPT)
    assert pane.run("echo $?") == "143\n"
    assert pane.run(MODES) == before


def test_a_crash_leaves_the_terminal_usable_and_says_which_cell_it_was(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "crash.c"
    path.write_text(
        "#include <stdio.h>\nint n(void) { return 1; }\n"
        'int crash(int n) { puts("just before"); *(volatile int *)0 = n; return 0; }\n'
    )
    before = pane.run(MODES)
    pane.watch(path)
    shown = pane.wait_for("hotplate died while it ran crash")
    assert re.search("just before$", shown, re.MULTILINE)
    assert pane.cursor_is_visible
    assert pane.run(MODES) == before


# ---- sizes and kinds of terminals


def test_a_new_size_is_drawn_anew(pane: Pane, heat: Path) -> None:
    pane.watch(heat, "--set", "dt=0.5")
    assert "<- n, x" in pane.wait_for("waiting for a change")
    for width, height in ((60, 20), (100, 25)):
        pane.tmux("resize-window", "-x", str(width), "-y", str(height))
        shown = pane.wait_for(r"<- n, x" if width == 100 else r"total +ok", absent="" if width == 100 else "<- n, x")
        assert shown.count("heat.c  v1") == 1
        assert max(map(len, shown.splitlines())) <= width


def test_a_narrow_and_short_terminal_shows_what_matters(terminal: Terminal, heat: Path) -> None:
    pane = terminal(40, 10)
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for(r"total +ok .* 14$")
    replaced(heat, "double sum = 0;", "double sum = zero;")
    shown = pane.wait_for(r"^heat\.c:11:")
    assert re.search(r"^running v1; the file is newer", shown, re.MULTILINE)
    assert re.search(r"^✗ total", shown, re.MULTILINE)
    assert len(shown.splitlines()) <= 10


def test_of_many_cells_those_with_news_are_shown(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "many.c"
    cells = [f"int a{i}(int a{i - 1}) {{ return a{i - 1} + 1; }}" for i in range(1, 40)]
    path.write_text("\n".join(["int a0(void) { return 0; }", *cells]) + "\n")
    pane = terminal(80, 14)
    pane.watch(path)
    shown = pane.wait_for(r"\.\.\. and \d+ more: \d+ ok", absent="running|building")
    assert len(shown.splitlines()) <= 14
    replaced(path, "a38 + 1;", "a38 + 100;")
    shown = pane.wait_for(r"^✓ a39 .* 138$", absent="running|building")
    assert re.search(r"^\.\.\. and \d+ more: \d+ kept$", shown, re.MULTILINE)


def test_without_colours_and_in_ascii_it_says_the_same(terminal: Terminal, heat: Path) -> None:
    pane = terminal(LC_ALL="C", NO_COLOR="1")
    pane.watch(heat, "--set", "dt=0.5")
    pane.wait_for("waiting for a change")
    shown = pane.screen("-e")
    assert shown.isascii()
    assert re.search(r"^\+ ", re.sub(r"\x1b\[[\d;]*m", "", shown), re.MULTILINE)
    assert not re.search(r"\x1b\[[\d;]*(3[0-7]|9[0-7])m", shown)


def test_a_dumb_terminal_gets_lines(terminal: Terminal, heat: Path) -> None:
    pane = terminal()
    pane.watch(heat, "--set", "dt=0.5", before="TERM=dumb")
    pane.wait_for(r"^\d\d:\d\d:\d\d\.\d{3} total ok in .*: float 14$")
    pane.keys("C-c")
    pane.wait_for("^hotplate: interrupted")
