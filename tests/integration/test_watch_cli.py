"""`hotplate watch` without a terminal: lines for people, lines for programs, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., subprocess.Popen[str]]
    Command = Callable[..., Any]

SOON = 8.0  # seconds
NOTEBOOK = """\
#include <stdint.h>
#include <stdio.h>

int64_t n(void) { puts("n speaks"); return 4; }

void x(int64_t n, double dt, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = dt * (double)i;
}

int bad(int64_t n) { return (int)n; }
"""


@pytest.fixture
def heat(tmp_path: Path) -> Path:
    path = tmp_path / "heat.c"
    path.write_text(NOTEBOOK)
    return path


def lines_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    """What comes on stderr up to a line that has the wanted words."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line.rstrip("\n"))
        if wanted in line:
            return lines
    pytest.fail(f"it ended without {wanted!r}: {lines}")


def events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout
    for line in process.stdout:
        yield json.loads(line)


def events_until(process: subprocess.Popen[str], kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """The objects up to one of this kind, with these values."""
    seen = []
    for event in events(process):
        seen.append(event)
        if event["kind"] == kind and wanted.items() <= event.items():
            return seen
    pytest.fail(f"it ended without {kind}: {seen}")


def interrupted(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SOON)
    assert process.returncode == 130
    assert "Traceback" not in err
    return err


# ---- lines for people


def test_without_a_terminal_every_happening_is_a_line_with_its_time(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5")
    lines = lines_until(process, "ran 3")
    assert all(line[2] == line[5] == ":" and line[8] == "." for line in lines)
    words = [line[13:] for line in lines]
    assert words[:2] == ["watching heat.c; Ctrl-C ends it", "reading heat.c"]
    for cell in ("n", "x", "bad"):
        at = [
            next(i for i, line in enumerate(words) if line.startswith(f"{cell} {what}")) for what in ("running", "ok")
        ]
        assert at == sorted(at)
    assert any(line.endswith("float64[4] [0. 0.5 1. 1.5]") for line in words)
    assert interrupted(process).endswith("hotplate: interrupted\n")


def test_an_error_and_the_mark_on_old_results_come_and_go(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5", "--plain")
    lines_until(process, "ran 3")
    heat.write_text(NOTEBOOK.replace("(int)n;", "(int)m;"))
    said = "\n".join(lines_until(process, "the file is newer and does not compile"))
    assert "heat.c:10:34: error: " in said
    assert "   10 | int bad(int64_t n) { return (int)m; }\n      |                                  ^" in said
    heat.write_text(NOTEBOOK)
    lines_until(process, "running v1, the newest")
    interrupted(process)


def test_what_cells_print_stays_on_stdout(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5")
    lines_until(process, "ran 3")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=SOON)[0] == "n speaks\n"


# ---- lines for programs


def test_json_begins_with_hello_and_tells_every_event_and_the_status(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5", "--json")
    seen = events_until(process, "run_done")
    hello = seen[0]
    assert (hello["kind"], hello["format"], hello["notebook"], hello["pid"]) == ("hello", 1, str(heat), process.pid)
    kinds = [event["kind"] for event in seen]
    assert kinds.index("reload_started") < kinds.index("reload_done") < kinds.index("run_started")
    assert kinds.index("run_started") < kinds.index("cell_started") < kinds.index("cell_done") < kinds.index("run_done")
    keys = ["kind", "run", "sequence", "time", "cell", "attempt", "data"]
    assert all(list(event) == keys for event in seen if event["kind"] not in ("hello", "status"))
    results = {event["cell"]: event["data"]["result"] for event in seen if event["kind"] == "cell_done"}
    assert results["x"]["results"][0] == {
        "field": None,
        "type": "float64[4]",
        "dtype": "float64",
        "shape": [4],
        "preview": "[0. 0.5 1. 1.5]",
    }
    assert results["n"]["results"][0]["value"] == 4
    done = next(event for event in seen if event["kind"] == "reload_done")["data"]["reload"]
    assert (done["version"], done["error"], done["notice"]) == (1, None, "")
    assert set(done["plan"]["rerun"]) == {"n", "x", "bad"}
    status = [event for event in seen if event["kind"] == "status"][-1]
    assert list(status) == ["kind", "version", "phase", "notice", "trouble", "diagnostics"]
    assert (status["version"], status["notice"], status["diagnostics"]) == (1, "", [])
    process.send_signal(signal.SIGINT)
    assert "n speaks" in process.communicate(timeout=SOON)[1]


def test_json_has_diagnostics_in_the_status_and_in_the_reload(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5", "--json")
    events_until(process, "run_done")
    heat.write_text(NOTEBOOK.replace("(int)n;", "(int)m;"))
    seen = events_until(process, "status", notice="running v1; the file is newer and does not compile")
    found = next(d for d in seen[-1]["diagnostics"] if d["severity"] == "error")
    assert (found["line"], found["column"], found["cell"]) == (10, 34, "bad")
    done = [event for event in seen if event["kind"] == "reload_done"] or events_until(process, "reload_done")
    error = done[-1]["data"]["reload"]["error"]
    assert (error["error"], error["exit_code"]) == ("BuildError", 3)
    assert found in error["diagnostics"]
    interrupted(process)


def test_a_reader_who_leaves_ends_the_watch_quietly(start: Start, heat: Path) -> None:
    process = start("watch", heat, "--set", "dt=0.5", "--json")
    events_until(process, "run_done")
    assert process.stdout
    process.stdout.close()
    assert process.wait(timeout=SOON) == 141
    assert process.stderr
    assert "Traceback" not in process.stderr.read()


# ---- how it ends


@pytest.mark.parametrize("form", ["--plain", "--json"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_with_their_code(start: Start, heat: Path, form: str, number: signal.Signals, code: int) -> None:
    process = start("watch", heat, "--set", "dt=0.5", form)
    (lines_until if form == "--plain" else events_until)(process, "run_done" if form == "--json" else "ran 3")  # type: ignore[operator]  # either takes these
    process.send_signal(number)
    _, err = process.communicate(timeout=SOON)
    assert process.returncode == code
    assert "Traceback" not in err


def test_a_cell_that_cannot_be_stopped_is_named_and_a_second_interrupt_ends_all(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "deaf.c"
    path.write_text("#include <unistd.h>\nint deaf(void) { for (int i = 0; i < 600; i++) usleep(100000); return 1; }\n")
    process = start("watch", path)
    lines_until(process, "deaf running")
    process.send_signal(signal.SIGINT)
    lines_until(process, "deaf can't be stopped; it goes on until it returns. Ctrl-C ends hotplate at once")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SOON)
    assert process.returncode == 130


@pytest.mark.parametrize(
    "arguments", [["missing.c"], ["notes.txt"], ["heat.c", "--set", "1=2"], ["heat.c", "--quiet", "x"]]
)
def test_a_call_that_makes_no_sense_is_refused(command: Command, heat: Path, arguments: list[str]) -> None:
    (heat.parent / "notes.txt").write_text("no notebook")
    done = command("watch", *arguments)
    assert done.code == 2
    assert done.err.startswith("hotplate: ") or ": error: " in done.err


def test_a_signal_that_is_ignored_stays_ignored(start: Start, heat: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"  # as nohup does
        "from hotplate.__main__ import main; main()"
    )
    process = start("watch", heat, "--set", "dt=0.5", code=code)
    lines_until(process, "ran 3")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    interrupted(process)


def test_other_commands_do_not_pay_for_it(tmp_path: Path) -> None:
    code = "import sys, hotplate.cli.app; print([name for name in sys.modules if 'watching' in name or 'live' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=None)
    assert done.stdout == "[]\n"
