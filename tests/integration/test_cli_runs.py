"""Recorded runs on the command line: `run` records them, `runs` shows them, `resume` goes on with them."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

import hotplate
from hotplate.errors import CellError, StoreError
from hotplate.run.store import RunState, RunStore
from hotplate.run.sweep.picture import print_points
from tests.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.conftest import Result

    Command = Callable[..., Result]
    Start = Callable[..., subprocess.Popen[str]]

CELLS = """\
#include <hotplate.h>
#include <stdio.h>
int64_t n(void) { return 3; }
void ramp(int64_t n, double step, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i * step; }
double last(hp_ctx *ctx, int64_t n, const double ramp[n]) {
    if (ramp[n - 1] > 10) return hp_fail(ctx, "%g is too much", ramp[n - 1]), 0;
    return ramp[n - 1];
}
double twice(double last) { return 2 * last; }
// Waits for a file, as long as nobody asks it to stop.
int gate(hp_ctx *ctx, double last, const char *file) {
    for (;;) {
        FILE *found = fopen(file, "r");
        if (found) return fclose(found), (int)last;
        if (hp_check(ctx)) return 0;
    }
}
// %% Talkative isolate
int says(int64_t n) { printf("there are %d\\n", (int)n); fflush(stdout); fprintf(stderr, "so it is\\n"); return 1; }
// %% Reporting isolate
int reports(hp_ctx *ctx, int64_t n, const char *file) {
    for (hp_progress(ctx, n, 10);;) {
        FILE *found = fopen(file, "r");
        if (found) return fclose(found), 1;
        if (hp_check(ctx)) return 0;
    }
}
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook of this file, its cells built once."""
    path = tmp_path_factory.mktemp("runs") / "cells.c"
    path.write_text(CELLS)
    assert hotplate.open(path).check() == ()
    return path


@pytest.fixture
def own(cells: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    path = tmp_path / "own.c"
    path.write_text(cells.read_text())
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's runs are recorded."""
    monkeypatch.setenv("HOTPLATE_RUNS_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[RunStore]:
    with RunStore.open(folder) as opened:
        yield opened


def document(done: Result) -> Any:
    return json.loads(done.out)


def failed_run(command: Command, path: Path, *arguments: str) -> str:
    """Records a run that fails in `last`, and returns its name."""
    done = command("run", path, "twice", "--set", "step=6", "--json", *arguments)
    assert done.code == 1
    return str(document(done)["run"])


# ---- run


def test_a_run_is_recorded_unless_one_says_otherwise(command: Command, cells: Path, store: RunStore) -> None:
    done = document(command("run", cells, "n", "--json"))
    unrecorded = document(command("run", cells, "n", "--no-record", "--json"))
    assert (done["recorded"], unrecorded["recorded"]) == (True, False)
    assert [(run.id, run.state) for run in store.runs()] == [(done["run"], RunState.DONE)]


def test_a_failed_run_ends_with_its_name_and_the_way_to_go_on(command: Command, cells: Path, store: RunStore) -> None:
    done = command("run", cells, "twice", "--set", "step=6")
    (run,) = store.runs()
    assert done.err.splitlines() == [
        "hotplate: last: 12 is too much",
        f"hotplate: this was run {run.id}; to go on with it, after an edit or with --again: "
        f"hotplate resume {run.id[:4]}",
    ]


def test_a_run_that_could_not_start_is_told_without_a_way_to_go_on(command: Command, cells: Path) -> None:
    assert "resume" not in command("run", cells, "ramp").err


@pytest.fixture(params=["read-only", "damaged", "newer"])
def unusable(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A store that can't be used."""
    if request.param == "read-only":
        folder.write_text("no directory")
        return folder
    RunStore.open(folder).close()
    database = folder / "runs.db"
    if request.param == "damaged":
        database.write_bytes(b"no database" * 1000)
    else:
        import apsw

        apsw.Connection(str(database)).execute("PRAGMA user_version = 1000")
    return folder


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["runs", "3f2a"], ["resume"], ["resume", "3f2a"]])
def test_who_only_looks_makes_no_store(arguments: list[str], command: Command, folder: Path) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert f"there are no recorded runs in {folder}" in done.err
    assert not folder.exists()


def test_to_resume_where_nothing_was_recorded_makes_no_store(cells: Path, folder: Path) -> None:
    with pytest.raises(StoreError, match="there are no recorded runs"):
        hotplate.open(cells).resume("3f2a")
    assert not folder.exists()


def test_a_run_that_can_not_be_recorded_goes_on_with_one_warning(command: Command, cells: Path, unusable: Path) -> None:
    done = command("run", cells, "n", "--json")
    assert done.code == 0
    assert re.fullmatch(r"hotplate: this run is not recorded: .*HOTPLATE_RUNS_DIR.*--no-record\n", done.err)
    assert str(unusable) in done.err
    assert document(done)["recorded"] is False
    assert command("run", cells, "n", "--no-record").err == ""


@pytest.mark.parametrize("option", ["--record", "--reuse"])
def test_what_takes_the_store_is_refused_without_it(option: str, command: Command, cells: Path, unusable: Path) -> None:
    done = command("run", cells, "n", option)
    assert (done.code, done.out) == (2, "")
    assert str(unusable) in done.err


@pytest.mark.parametrize("arguments", [["runs"], ["resume", "3f2a"]])
def test_commands_about_runs_say_why_the_store_can_not_be_used(
    arguments: list[str], command: Command, unusable: Path
) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert str(unusable) in done.err


def test_a_run_of_which_not_all_was_recorded_warns(
    command: Command, cells: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotplate.run.store.recording import Recording

    def full(recording: Recording, *_: Any) -> None:
        recording.refuse(StoreError("the disk is full"))

    monkeypatch.setattr(Recording, "begun", full)
    done = command("run", cells, "n", "--json")
    assert (done.code, done.err) == (0, "hotplate: not all of this run was recorded: the disk is full\n")
    assert document(done)["recorded"] is False


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # no file may be larger: a disk that gets full
from hotplate.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit to the size of files")
def test_a_disk_that_gets_full_is_told_once_and_costs_no_result(start: Start, cells: Path) -> None:
    process = start("run", cells, "last", "--set", "n=200000", "--set", "step=1e-6", "--json", code=FULL)
    out, err = process.communicate()
    assert (process.returncode, json.loads(out)["recorded"]) == (0, False)
    assert re.fullmatch(r"hotplate: not all of this run was recorded: .*HOTPLATE_RUNS_DIR.*\n", err)


def test_reuse_takes_what_another_run_computed(command: Command, cells: Path) -> None:
    def statuses(*arguments: str) -> dict[str, str]:
        cells_of = document(command("run", cells, "twice", "--json", *arguments))["cells"]
        return {cell["name"]: cell["status"] for cell in cells_of}

    assert set(statuses("--set", "step=1").values()) == {"ok"}
    assert set(statuses("--set", "step=1").values()) == {"ok"}
    assert set(statuses("--set", "step=1", "--reuse").values()) == {"kept"}
    assert statuses("--set", "step=2", "--reuse") == {"n": "kept", "ramp": "ok", "last": "ok", "twice": "ok"}


def test_what_an_isolated_cell_prints_is_kept_to_its_log_on_demand(start: Start, cells: Path, store: RunStore) -> None:
    out, err = start("run", cells, "says", "--output", "none").communicate()
    assert ["there are 3" in out, "so it is" in err] == [False, False]
    process = start("runs", store.runs()[0].id, "--log", "says")
    assert process.communicate() == ("there are 3\n", "so it is\n")


NOISY = """\
from hotplate.run.lifecycles import Lifecycle

class Noisy(Lifecycle):
    name = "noisy"
    api_version = 1

    def setup(self, context):
        print("before", context.cell)

    def teardown(self, context, outcome):
        print("after", context.cell)
"""


def test_an_installed_lifecycle_is_put_around_each_call(
    command: Command, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / "noisy-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[hotplate.lifecycles]\nnoisy = noisy_lifecycle:Noisy\n")
    (tmp_path / "site" / "noisy_lifecycle.py").write_text(NOISY)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    done = command("run", cells, "n", "--lifecycle", "noisy")
    assert (done.code, done.out.splitlines()[:2]) == (0, ["before n", "after n"])
    assert command("run", cells, "n", "--lifecycle", "nowhere").code == 2


@pytest.mark.parametrize("names", [("a", "a_"), ("a" * 253, "a" * 252 + "b")], ids=["short", "too long for a file"])
def test_a_log_is_the_one_of_that_cell_and_not_of_one_that_is_almost_named_so(
    names: tuple[str, str], command: Command, own: Path, store: RunStore
) -> None:
    cells = "".join(f'int {name}(void) {{ return puts("{name}"); }}\n' for name in names)
    own.write_text(f"#include <stdio.h>\n// %% Apart isolate\n{cells}")
    command("run", own, "--output", "none")
    (log,) = document(command("runs", store.runs()[0].id, "--log", names[0], "--json"))["logs"]
    assert log["text"] == f"{names[0]}\n"


def test_logs_of_several_attempts_are_told_apart(command: Command, own: Path, store: RunStore) -> None:
    own.write_text(
        "#include <hotplate.h>\n#include <stdio.h>\n// %% Apart isolate retries=1 retry_on=failed\n"
        'int a(hp_ctx *ctx) { puts("out"); return hp_fail(ctx, "no"), 0; }\n'
    )
    command("run", own, "--output", "none")
    done = command("runs", store.runs()[0].id, "--log", "a")
    assert (done.code, done.out, done.err) == (0, "out\nout\n", "hotplate: attempt 1:\nhotplate: attempt 2:\n")


# ---- runs


def test_runs_are_listed_with_the_newest_first(command: Command, cells: Path, own: Path) -> None:
    failed = failed_run(command, cells)
    command("run", own, "n")
    lines = command("runs").out.splitlines()
    assert lines[0].split() == ["run", "notebook", "state", "began", "took", "cells", "problem"]
    assert [line.split()[1:3] for line in lines[1:]] == [["own.c", "done"], ["cells.c", "failed"]]
    assert lines[2].split()[0] == failed
    assert lines[2].split()[-3:] == ["2/4", "last:", "failed"]
    assert len(command("runs", "--limit", 1).out.splitlines()) == 2


def test_runs_of_one_notebook(command: Command, cells: Path, own: Path) -> None:
    command("run", cells, "n")
    command("run", own, "n")
    (run,) = document(command("runs", "own.c", "--json"))["runs"]
    assert run["notebook"] == str(own)
    done = command("runs", "other.c")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("no runs of other.c were recorded in ")


def test_the_list_for_programs_has_the_promised_keys(command: Command, cells: Path, folder: Path) -> None:
    failed = failed_run(command, cells)
    listed = document(command("runs", "--json"))
    (run,) = listed["runs"]
    assert (set(listed), listed["store"]) == ({"store", "runs"}, str(folder))
    assert set(run) == {
        "run", "notebook", "state", "problem", "resumable", "began", "ended", "seconds", "cells", "outcomes", "targets",
        "parent", "children", "owner", "hotplate",
    }  # fmt: skip
    assert (run["run"], run["resumable"], run["outcomes"]) == (failed, True, {"ok": 2, "failed": 1, "skipped": 1})


def test_one_run_is_shown_with_what_it_was_given_and_how_its_cells_ended(command: Command, cells: Path) -> None:
    failed = failed_run(command, cells)
    shown = [line.split() for line in command("runs", failed[:6]).out.splitlines()]
    assert ["step", "=", "6"] in shown
    assert ["go", "on", "hotplate", "resume", failed[:4]] in shown
    rows = {words[0]: words[1] for words in shown[shown.index([]) + 2 :]}
    assert rows == {"n": "ok", "ramp": "ok", "last": "failed", "twice": "skipped"}


def test_of_a_run_of_very_many_cells_those_with_news_are_shown(command: Command, cells: Path, store: RunStore) -> None:
    command("run", cells, "last", "--sweep", "step=1:60")
    sweep = next(run.id for run in store.runs() if run.parent is None)
    lines = command("runs", sweep).out.splitlines()
    assert lines[-1] == f"... and 66 more of 121: hotplate runs {sweep} --json"
    assert next(line.split()[:2] for line in lines if line.startswith("last[")) == ["last[step=6]", "failed"]


def test_one_run_for_programs_has_the_promised_keys(command: Command, cells: Path) -> None:
    failed = failed_run(command, cells)
    shown = document(command("runs", failed, "--json"))
    assert set(shown) > {"given", "point", "options", "text", "logs", "results"}
    by_name = {cell["name"]: cell for cell in shown["results"]}
    assert shown["given"]["step"]["results"][0]["value"] == 6
    assert by_name["ramp"]["results"][0]["preview"] == "[ 0. 6. 12.]"
    assert set(by_name["ramp"]) == {
        "name", "status", "attempts", "reason", "error", "started", "run_seconds", "build_key", "compiler", "contents",
        "results", "problem",
    }  # fmt: skip
    (attempt,) = by_name["last"]["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "failed")
    events = document(command("runs", failed, "--events", "--json"))["events"]
    assert (events[0]["kind"], events[-1]["kind"]) == ("run_started", "run_done")


def test_the_events_of_a_run_are_printed_in_order(command: Command, cells: Path) -> None:
    lines = command("runs", failed_run(command, cells), "--events").out.splitlines()
    kinds = [line.split()[1] for line in lines]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_done")
    assert any(line.endswith("cell_failed last") for line in lines)


def test_the_text_of_a_run_s_notebook_is_what_it_was(command: Command, own: Path) -> None:
    failed = failed_run(command, own)
    own.write_text("int other(void) { return 1; }")
    assert command("runs", failed, "--text").out == CELLS


def test_two_runs_are_compared(command: Command, own: Path) -> None:
    one = document(command("run", own, "twice", "--set", "step=1", "--json"))["run"]
    own.write_text(CELLS.replace("return 2 * last", "return 3 * last"))
    other = document(command("run", own, "twice", "--set", "step=2", "--json"))["run"]
    lines = command("runs", one, other).out.splitlines()
    assert "step: 1 → 2" in lines
    assert "-double twice(double last) { return 2 * last; }" in lines
    compared = document(command("runs", one, other, "--json"))
    assert set(compared) == {"runs", "facts", "given", "options", "text", "cells"}
    found = {cell["name"]: (cell["code"], cell["value"], cell["max_abs_difference"]) for cell in compared["cells"]}
    assert found == {
        "n": ("same", "same", None),
        "ramp": ("same", "different", 2.0),
        "last": ("same", "different", 2.0),
        "twice": ("different", "different", 8.0),
    }


def test_a_deleted_run_is_gone_and_no_other(command: Command, cells: Path) -> None:
    one, other = failed_run(command, cells), failed_run(command, cells)
    assert command("runs", "--delete", one).out == f"deleted run {one}\n"
    assert [run["run"] for run in document(command("runs", "--json"))["runs"]] == [other]


@pytest.mark.parametrize(
    "arguments", [["runs", "zzzz"], ["resume", "zzzz"], ["runs", "--delete", "zzzz"], ["runs", "zzzz", "--log", "n"]]
)
def test_an_unknown_run_is_refused_with_those_that_there_are(
    arguments: list[str], command: Command, cells: Path
) -> None:
    failed = failed_run(command, cells)
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"hotplate: there is no run zzzz; the last ones are {failed}\n"


@pytest.mark.parametrize("arguments", [["runs"], ["resume"], ["runs", "--delete"]])
def test_a_name_of_several_runs_is_refused(arguments: list[str], command: Command, store: RunStore) -> None:
    from hotplate.run.store import RunDescription

    for run in ("3f2a00000000", "3f2b00000000"):
        store.begin(RunDescription(run, "/x.c"), ["n"]).end(RunState.FAILED)
    done = command(*arguments, "3f2")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hotplate: 2 runs begin with 3f2: 3f2b00000000, 3f2a00000000")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--events"], "--events is about one run; name it: hotplate runs RUN --events"),
        (["--delete"], "--delete removes the runs that are named; name some: hotplate runs RUN --delete"),
        (["first.c", "--log", "n"], "--log is about one run"),
        (["aa", "bb", "cc"], "aa bb cc can't be shown together: give a notebook, a run, or two runs to compare"),
        (["aa", "bb", "--text"], "aa bb can't be shown together: --text is about one run"),
        (["aa", "--text", "--events"], "--events and --text can't be had at once"),
        (["a.c", "b.c"], "a.c b.c can't be shown together"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(arguments: list[str], said: str, command: Command) -> None:
    done = command("runs", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"hotplate: {said}")


def test_a_run_is_recorded_or_it_is_not(command: Command, cells: Path) -> None:
    assert command("run", cells, "n", "--record", "--no-record").code == 2


def test_a_resumed_run_takes_over_what_was_done(command: Command, cells: Path, tmp_path: Path) -> None:
    failed = failed_run(command, cells)
    done = command("resume", failed[:5], "--set", "step=2", "--save", "out.npz")
    assert (done.code, done.err) == (0, "")
    rows = [line.split()[:2] for line in done.out.splitlines()]
    assert rows[1:5] == [["n", "kept"], ["ramp", "ok"], ["last", "ok"], ["twice", "ok"]]
    assert np.load(tmp_path / "out.npz")["twice"] == 8
    assert command("resume", failed).err.startswith(f"hotplate: run {failed} is done")


def test_resume_goes_by_the_options_of_the_run(command: Command, cells: Path) -> None:
    failed = failed_run(command, cells, "--flags", "-O0", "--compiler", "gcc", "--keep-going")
    before = {cell["name"]: cell["build_key"] for cell in document(command("runs", failed, "--json"))["results"]}
    resumed = document(command("resume", failed, "--json", "--set", "step=1"))
    assert {cell["name"]: cell["build_key"] for cell in resumed["cells"]} == before
    assert document(command("runs", failed, "--json"))["options"]["flags"] == ["-O0"]


def test_strict_refuses_a_changed_notebook_and_force_takes_all_over(command: Command, own: Path) -> None:
    failed = failed_run(command, own)
    own.write_text(CELLS.replace("> 10", "> 100"))
    assert "has changed since" in command("resume", failed, "--strict").err
    assert command("resume", failed, "--strict", "--force").code == 2
    resumed = document(command("resume", failed, "--force", "--json"))
    assert [cell["status"] for cell in resumed["cells"]] == ["kept", "kept", "ok", "ok"]


def test_without_a_run_those_are_listed_that_can_be_resumed(command: Command, cells: Path) -> None:
    command("run", cells, "n")
    assert command("resume").err.startswith("hotplate: there is no run to resume")
    failed = failed_run(command, cells)
    done = command("resume", "--json")
    assert done.code == 2
    assert document(done)["error"] == "StoreError"
    (line,) = done.err.splitlines()[1:]
    assert re.fullmatch(rf"  hotplate resume {failed[:4]}    cells.c, failed \d+ \w+ ago", line)


def test_what_only_python_has_is_resumed_in_python(command: Command, own: Path, store: RunStore) -> None:
    nb = hotplate.open(own)

    @nb.cell
    def fails(n: int) -> int:
        raise ValueError(n)

    with pytest.raises(CellError):
        nb.run("fails", record=store)
    done = command("resume", store.runs()[0].id)
    assert done.code == 2
    assert "has Python functions as cells (fails)" in done.err


def test_cells_that_an_edit_has_renamed_are_no_python_cells(command: Command, own: Path) -> None:
    failed = failed_run(command, own)
    own.write_text(
        CELLS.replace("double last(", "double final(")
        .replace("twice(double last) { return 2 * last; }", "twice(double final) { return 2 * final; }")
        .replace("double last, const char", "double final, const char")
    )
    assert command("resume", failed).code == 1
    assert command("resume", failed, "--again").err.splitlines()[0] == "hotplate: final: 12 is too much"
    done = command("resume", failed, "--set", "step=1")
    assert (done.code, done.err) == (0, "")
    again = command("resume", failed)
    assert (again.code, again.err) == (
        2, f"hotplate: run {failed} is done, so there is nothing to resume; run the notebook anew\n",
    )  # fmt: skip


def test_a_policy_of_one_s_own_can_not_be_had_again(command: Command, own: Path, store: RunStore) -> None:
    nb = hotplate.open(own, policy=hotplate.Policy())
    with pytest.raises(CellError):
        nb.run("last", record=store, step=6)
    assert "a policy of its own" in command("resume", store.runs()[0].id).err


def test_a_notebook_that_is_gone_can_be_had_back(command: Command, own: Path) -> None:
    failed = failed_run(command, own)
    own.unlink()
    done = command("resume", failed)
    assert done.code == 2
    assert f"hotplate runs {failed} --text" in done.err
    own.write_text(command("runs", failed, "--text").out)
    assert command("resume", failed, "--set", "step=1").code == 0


def test_a_notebook_that_was_moved_is_resumed_where_it_is(command: Command, own: Path, store: RunStore) -> None:
    failed = failed_run(command, own)
    moved = own.rename(own.with_name("moved.c"))
    assert "--file PATH" in command("resume", failed).err
    done = command("resume", failed, "--file", "moved.c", "--set", "step=1", "--json")
    statuses = {cell["name"]: cell["status"] for cell in document(done)["cells"]}
    assert (done.code, statuses["n"], statuses["last"]) == (0, "kept", "ok")
    assert store.find_run(failed).summary.notebook == str(moved)


def test_a_sweep_that_was_moved_takes_its_points_along(command: Command, own: Path, store: RunStore) -> None:
    sweep = document(command("run", own, "last", "--sweep", "step=5,6", "--json"))["run"]
    moved = own.rename(own.with_name("moved.c"))
    assert command("resume", sweep, "--file", moved, "--again").code == 1
    assert {run.notebook for run in store.runs()} == {str(moved)}


@pytest.mark.parametrize(
    ("text", "gone", "said"),
    [(CELLS, False, "open that file"), ("int n(void) { return 3; }\n", True, "lacks gate, last, ramp")],
)
def test_another_notebook_is_not_taken_for_one_that_was_moved(
    text: str, gone: bool, said: str, command: Command, own: Path
) -> None:
    failed = failed_run(command, own)
    other = own.with_name("other.c")
    other.write_text(text)
    if gone:
        own.unlink()
    done = command("resume", failed, "--file", other)
    assert (done.code, said in done.err) == (2, True)


# ---- sweeps


def test_a_sweep_prints_a_row_for_each_point(command: Command, cells: Path) -> None:
    done = command("run", cells, "last", "--sweep", "step=1:2", "--sweep", "n=2,3")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split() for line in lines[:-1]] == [
        ["step", "n", "last"], ["1", "2", "1"], ["1", "3", "2"], ["2", "2", "2"], ["2", "3", "4"],
    ]  # fmt: skip
    assert lines[-1].startswith("4 of 4 points in ")


def test_a_long_sweep_shows_its_ends_in_a_terminal_and_says_so(cells: Path) -> None:
    swept = hotplate.open(cells).sweep("last", step=range(1, 101), inputs={"n": 1})
    page = io.StringIO()
    console = Console(file=page, width=80, force_terminal=True, color_system=None, legacy_windows=False)
    print_points(console, swept, way="--save OUT.csv writes them all")
    *lines, left_out, counts = page.getvalue().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*map(str, range(1, 11)), "...", *map(str, range(91, 101))]
    assert left_out == "80 of 100 points are not shown; --save OUT.csv writes them all"
    assert counts.startswith("100 of 100 points in ")


def test_a_long_sweep_is_written_whole_to_a_file(command: Command, cells: Path) -> None:
    lines = command("run", cells, "last", "--sweep", "step=1:100", "--set", "n=1").out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [*map(str, range(1, 101))]


def test_points_of_a_sweep_that_fail_leave_gaps(command: Command, cells: Path, store: RunStore) -> None:
    done = command("run", cells, "last", "--sweep", "step=5,6")
    sweep = next(run for run in store.runs() if run.parent is None)
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()[1:3]] == [
        ["5", "10"],
        ["6", "failed:", "last:", "12", "is", "too", "much"],
    ]
    way_on = f"to go on with it, after an edit or with --again: hotplate resume {sweep.id[:4]}"
    assert done.err == f"hotplate: this was run {sweep.id}; {way_on}\n"


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_sweep_is_saved_as_its_suffix_says(suffix: str, command: Command, cells: Path, tmp_path: Path) -> None:
    done = command("run", cells, "last", "--sweep", "step=1,2", "--save", f"out.{suffix}")
    assert done.out.endswith(f"saved out.{suffix}\n")
    path = tmp_path / f"out.{suffix}"
    if suffix == "npz":
        assert np.load(path)["last"].tolist() == [2.0, 4.0]
    else:
        assert path.read_text().splitlines() == ["step,last,status,problem", "1,2.0,ok,", "2,4.0,ok,"]


def test_a_sweep_for_programs_has_the_promised_keys(command: Command, cells: Path) -> None:
    shown = document(command("run", cells, "ramp", "last", "--sweep", "step=5,6", "--json"))
    assert set(shown) == {
        "notebook", "run", "ok", "seconds", "axes", "columns", "points", "saved", "recorded",
    }  # fmt: skip
    assert (shown["ok"], shown["axes"], shown["columns"]) == (False, {"step": [5, 6]}, ["ramp", "last"])
    first, second = shown["points"]
    assert (first["point"], first["status"], first["results"]["last"]) == ({"step": 5}, "ok", 10.0)
    assert first["results"]["ramp"]["shape"] == [3]
    assert (second["status"], second["problem"]) == ("failed", "last: 12 is too much")
    assert second["results"]["last"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sweep", "step"], "is not of the form NAME="),
        (["--sweep", "step=1,2", "--sweep", "step=3"], "twice"),
        (["--sweep", "jobs=1,2"], "a sweep has an option of this name"),
        (["--sweep", "step=1,2", "--save", "x.txt"], "results go to a .npz, .csv, .feather or .arrow file"),
        (["--set", "step=1", "--save", "x.csv"], "results go to an .npz file"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(
    arguments: list[str], said: str, command: Command, cells: Path, store: RunStore
) -> None:
    done = command("run", cells, "last", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert store.runs() == []


def test_points_are_folded_under_their_sweep_and_go_with_it(command: Command, cells: Path, store: RunStore) -> None:
    command("run", cells, "last", "--sweep", "step=5,6")
    (sweep,) = document(command("runs", "--json"))["runs"]
    assert sweep["children"] == {"done": 1, "failed": 1}
    listed = document(command("runs", "--all", "--json"))["runs"]
    assert sorted(str(run["parent"]) for run in listed) == sorted(["None", sweep["run"], sweep["run"]])
    point = next(run["run"] for run in listed if run["parent"])
    short = f"{sweep['run'][:5]}.{point.rpartition('.')[2]}"
    assert document(command("runs", short, "--json"))["run"] == point
    assert command("runs", f"{sweep['run'][:5]}.7").err == (
        f"hotplate: run {sweep['run']} has no point 7: it has 2, from 0 on\n"
    )
    assert document(command("runs", point, "--json"))["parent"] == sweep["run"]
    assert f"point of  {sweep['run']}, which has the results" in command("runs", point).out
    alone = command("runs", "--delete", point)
    assert (alone.code, len(store.runs())) == (2, 3)
    assert alone.err.endswith(f"is a point of a sweep; delete that: hotplate runs --delete {sweep['run']}\n")
    done = command("runs", "--delete", point, sweep["run"])
    assert (done.code, done.out, done.err) == (0, f"deleted run {sweep['run']} and its 2 points\n", "")
    assert store.runs() == []


def test_a_deleted_sweep_is_told_to_programs_with_its_points(command: Command, cells: Path) -> None:
    sweep = document(command("run", cells, "last", "--sweep", "step=5,6", "--json"))["run"]
    done = command("runs", "--delete", sweep, "--json")
    assert (done.code, document(done)) == (0, {"deleted": [sweep, f"{sweep}.0", f"{sweep}.1"]})


def test_a_sweep_is_resumed_with_its_axes(command: Command, own: Path, tmp_path: Path) -> None:
    failed = document(command("run", own, "last", "--sweep", "step=5,6", "--json"))["run"]
    own.write_text(CELLS.replace("> 10", "> 100"))
    resumed = document(command("resume", failed[:6], "--json", "--save", "out.csv"))
    assert [point["results"]["last"] for point in resumed["points"]] == [10.0, 12.0]
    assert (tmp_path / "out.csv").exists()


def test_a_point_is_resumed_with_its_sweep(command: Command, cells: Path) -> None:
    sweep = document(command("run", cells, "last", "--sweep", "step=5,6", "--json"))["run"]
    done = command("resume", f"{sweep}.1")
    assert done.code == 2
    assert done.err.endswith(f"is a point of a sweep; go on with that: hotplate resume {sweep}\n")


def test_points_that_a_condition_leaves_out_say_so_and_are_no_failure(
    command: Command, notebook: Callable[..., Path]
) -> None:
    path = notebook('double f(double x) { return x; }\n// %% G when="f > 1"\ndouble g(double f) { return f; }')
    done = command("run", path, "--sweep", "x=1,2")
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()[1:3]] == [
        ["1", "left", "out:", "g:", "f", ">", "1", "is", "false", "(f", "=", "1.0)"],
        ["2", "2"],
    ]
    assert done.out.splitlines()[0].split() == ["x", "g", "left", "out"]
    assert done.out.splitlines()[-1].startswith("2 of 2 points, of which conditions left out 1, in ")


def test_points_that_run_tell_how_far_they_are_each_under_its_own_name(
    start: Start, cells: Path, store: RunStore, tmp_path: Path
) -> None:
    both = ("--executor", "parallel", "--jobs", 2)
    start("run", cells, "reports", "--sweep", "n=3,4", "--set", f"file={tmp_path / 'open'}", *both)

    def told() -> dict[str, int]:
        events = [event for run in store.runs() for event in store.events(run.id) if event.kind == "cell_progress"]
        return {event.cell: event.data["done"] for event in events}

    assert eventually(lambda: len(told()) == 2)
    assert told() == {"reports[n=3]": 3, "reports[n=4]": 4}


# ---- processes that end in the middle


def has_begun(store: RunStore, cell: str) -> str:
    """Waits until a cell of the only run has begun, and returns the run's name."""

    def begun() -> str:
        runs = store.runs()
        kinds = {(event.kind, event.cell) for run in runs for event in store.events(run.id)}
        return runs[0].id if ("cell_started", cell) in kinds else ""

    found = eventually(begun)
    assert found
    return found


def test_a_run_that_was_killed_is_lost_and_goes_on_where_it_was(
    start: Start, command: Command, cells: Path, store: RunStore, tmp_path: Path
) -> None:
    process = start("run", cells, "gate", "--set", "step=2", "--set", f"file={tmp_path / 'open'}")
    run = has_begun(store, "gate")
    process.kill()
    process.wait()
    (listed,) = document(command("runs", "--json"))["runs"]
    assert (listed["run"], listed["state"], listed["resumable"]) == (run, "lost", True)
    (tmp_path / "open").touch()
    resumed = document(command("resume", run, "--json"))
    assert [(cell["name"], cell["status"]) for cell in resumed["cells"]] == [
        ("n", "kept"), ("ramp", "kept"), ("last", "kept"), ("gate", "ok"),
    ]  # fmt: skip
    assert (resumed["run"], resumed["cells"][3]["results"][0]["value"]) == (run, 4)
    attempts = document(command("runs", run, "--json"))["results"][3]["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["lost", "ok"]


def test_a_run_that_goes_on_is_neither_resumed_nor_deleted(
    start: Start, command: Command, cells: Path, store: RunStore, tmp_path: Path
) -> None:
    start("run", cells, "gate", "--set", "step=2", "--set", f"file={tmp_path / 'open'}")
    run = has_begun(store, "gate")
    for arguments in (["resume", run], ["runs", "--delete", run]):
        done = command(*arguments)
        assert (done.code, "is still going on" in done.err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can send another process Ctrl-C alone")
def test_a_run_that_was_interrupted_goes_on_where_it_was(
    start: Start, command: Command, cells: Path, store: RunStore, tmp_path: Path
) -> None:
    process = start("run", cells, "gate", "--set", "step=2", "--set", f"file={tmp_path / 'open'}")
    run = has_begun(store, "gate")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out.splitlines()[-1].startswith("3 of 4 cells in ")
    told = re.fullmatch(rf"hotplate: this was run {run}; to go on with it: (.*)\nhotplate: interrupted\n", err)
    assert told
    (tmp_path / "open").touch()
    done = command(*told[1].split()[1:])
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("4 of 4 cells in ")


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can send another process Ctrl-C alone")
def test_a_sweep_that_was_interrupted_shows_what_there_is_and_goes_on(
    start: Start, command: Command, cells: Path, store: RunStore, tmp_path: Path
) -> None:
    axes = ("--sweep", "step=1,2", "--sweep", f"file={tmp_path / 'open'},{tmp_path / 'closed'}")
    (tmp_path / "open").touch()
    process = start("run", cells, "gate", *axes, "--save", "out.csv")
    assert eventually(lambda: [run for run in store.runs() if run.parent and run.state is RunState.DONE])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out.splitlines()[-2].startswith("1 of 4 points in ")
    assert (tmp_path / "out.csv").exists()
    (tmp_path / "closed").touch()
    done = command("resume", re.findall("hotplate resume (.*)", err)[0])
    assert (done.code, done.out.splitlines()[-1][:13]) == (0, "4 of 4 points")
