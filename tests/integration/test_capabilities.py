"""What a backend claims to enforce is tried on it, and what it does not claim is shown to be possible there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate import Policy
from hotplate.errors import CellRejected, SettingError
from hotplate.execute import Capabilities, InProcessBackend, Isolation, OutcomeKind, TimeoutKind
from hotplate.execute.isolation import IsolatedCells
from hotplate.execute.workers.policy import Level
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cells are isolated on Linux only")

ATTEMPTS = """\
#include <hotplate.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Each returns 0 when it could do what it tried, else the error.
int32_t reads(const char *path) { int f = open(path, O_RDONLY); return f < 0 ? errno : close(f); }
int32_t writes(const char *target) { int f = open(target, O_WRONLY | O_CREAT, 0600); return f < 0 ? errno : close(f); }
int32_t connects(int32_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0) return errno;
    int failed = connect(s, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    close(s);
    return failed;
}
int32_t forks(void) { pid_t child = fork(); if (child == 0) _exit(0); return child < 0 ? errno : 0; }
int32_t secret(void) { return getenv("HOTPLATE_TEST_SECRET") == NULL; }
int32_t allocates(int32_t megabytes) {
    for (int32_t i = 0; i < megabytes; i++) { char *p = malloc(1 << 20); if (!p) return errno; memset(p, 1, 1 << 20); }
    return 0;
}
int32_t endless(hp_ctx *ctx) { for (volatile int64_t i = 0;; i++) if (hp_check(ctx) && i < 0) return 0; }
int32_t crashes(int32_t far) { return *(volatile int32_t *)(intptr_t)far; }
double fine(double x) { return 2 * x; }
"""
MEGABYTES = 96
STRICT = Policy.strict(memory_bytes=64 << 20)
CLAIMS = {
    "inprocess": InProcessBackend.capabilities,
    "process": Capabilities(Isolation.PROCESS, TimeoutKind.HARD, environment=True),
    "strict": Capabilities(
        Isolation.SANDBOXED, TimeoutKind.HARD, network=True, filesystem=True, environment=True, memory=True
    ),
}
POLICIES = {"process": Policy(), "strict": STRICT}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capabilities") / "attempts.c"
    path.write_text(ATTEMPTS)
    return path


@pytest.fixture(scope="module", params=list(CLAIMS))
def backend(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A backend by name, and `attempt(cell, **inputs)` on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTPLATE_TEST_SECRET", "hunter2")
        notebook = hotplate.open(path, policy=POLICIES.get(request.param))
        yield request.param, lambda cell, **inputs: notebook.run(cell, inputs=inputs, keep_going=True)[cell]


@pytest.fixture
def server() -> Iterator[int]:
    """The port of somebody who listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def _accept(listening: socket.socket) -> None:
    try:
        while True:
            listening.accept()[0].close()
    except OSError:
        return


def test_the_claims_are_what_the_backends_say() -> None:
    for name, policy in POLICIES.items():
        assert IsolatedCells(Toolchain(), policy).backend().capabilities == CLAIMS[name]


def test_every_claim_has_a_test() -> None:
    tested = {"isolation", "timeout", "network", "filesystem", "environment", "memory"}
    unclaimed = {"persistent_workspace", "structured_output"}
    assert {field.name for field in fields(Capabilities)} == tested | unclaimed
    assert not any(getattr(claims, name) for claims in CLAIMS.values() for name in unclaimed)


def test_files_are_read_and_written_unless_the_file_system_is_closed(
    backend: tuple[str, Callable[..., Any]], tmp_path: Path
) -> None:
    name, attempt = backend
    (tmp_path / "secret.txt").write_text("hunter2")
    could = not CLAIMS[name].filesystem
    assert (attempt("reads", path=str(tmp_path / "secret.txt")) == 0) == could
    assert (attempt("writes", target=str(tmp_path / "planted")) == 0) == could
    assert (tmp_path / "planted").exists() == could


def test_connections_are_made_unless_the_network_is_closed(
    backend: tuple[str, Callable[..., Any]], server: int
) -> None:
    name, attempt = backend
    assert (attempt("connects", port=server) == 0) == (not CLAIMS[name].network)


def test_variables_are_seen_unless_the_environment_is_clean(backend: tuple[str, Callable[..., Any]]) -> None:
    name, attempt = backend
    assert (attempt("secret") == 0) == (not CLAIMS[name].environment)


def test_memory_is_given_up_to_the_limit(backend: tuple[str, Callable[..., Any]]) -> None:
    name, attempt = backend
    assert (attempt("allocates", megabytes=MEGABYTES) == 0) == (not CLAIMS[name].memory)


def test_processes_are_started_unless_it_is_sandboxed(backend: tuple[str, Callable[..., Any]]) -> None:
    name, attempt = backend
    assert (attempt("forks") == 0) == (CLAIMS[name].isolation is not Isolation.SANDBOXED)


def test_what_computes_is_not_hindered(backend: tuple[str, Callable[..., Any]]) -> None:
    _, attempt = backend
    assert attempt("fine", x=21.0) == 42.0


SCRIPT = """
import sys, threading
import hotplate
from hotplate.errors import CellError
notebook = hotplate.open(sys.argv[1], policy={policy})
try:
    notebook.run({call})
except CellError as error:
    print(type(error).__name__)
print("alive", notebook.run("fine", x=21.0)["fine"])
"""


def _in_a_child(path: Path, name: str, call: str) -> subprocess.CompletedProcess[str]:
    """Python alone, which the cell may take with it."""
    policy = {"inprocess": "None", "process": "hotplate.Policy()", "strict": "hotplate.Policy.strict()"}[name]
    script = SCRIPT.format(policy=policy, call=call)
    return subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", list(CLAIMS))
def test_a_crash_ends_the_session_only_in_process(path: Path, name: str) -> None:
    done = _in_a_child(path, name, '"crashes", far=64')
    if CLAIMS[name].isolation is Isolation.IN_PROCESS:
        assert done.returncode < 0, done.stdout
    else:
        assert done.stdout == "CellCrashed\nalive 42.0\n", done.stderr


@pytest.mark.parametrize("name", [name for name, claims in CLAIMS.items() if claims.timeout is TimeoutKind.HARD])
def test_a_time_out_ends_what_does_not_stop_when_it_is_asked_to(path: Path, name: str, tmp_path: Path) -> None:
    limited = tmp_path / "limited.c"
    limited.write_text(ATTEMPTS.replace("int32_t endless", '// %% Endless timeout="0.2"\nint32_t endless'))
    done = _in_a_child(limited, name, '"endless"')
    assert done.stdout == "CellTimedOut\nalive 42.0\n", done.stderr


# What was in force


def test_the_outcome_says_what_was_in_force(path: Path) -> None:
    run = hotplate.open(path, policy=STRICT).run("fine", x=1.0)
    policy = run.cells["fine"].outcome.policy
    assert policy is not None
    assert {control.control for control in policy.controls if control.state == "enforced"} >= {
        "filesystem", "network", "processes", "memory",
    }  # fmt: skip
    assert hotplate.open(path).run("fine", x=1.0).cells["fine"].outcome.policy is None


def test_a_cell_with_a_clean_environment_runs_in_a_worker_without_the_sessions_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTPLATE_TEST_SECRET", "s3cret")
    path = tmp_path / "clean.c"
    path.write_text(ATTEMPTS.replace("int32_t secret", "// %% Clean clean_env\nint32_t secret"))
    cell = hotplate.open(path).run("secret").cells["secret"]
    assert cell.value == 1
    assert cell.outcome.policy is not None
    assert cell.outcome.policy["environment"].state == "enforced"


def test_what_can_not_be_enforced_is_refused_before_anything_runs(path: Path, tmp_path: Path) -> None:
    notebook = hotplate.open(path, policy=STRICT)

    @notebook.cell
    def touch(fine: float) -> float:
        (tmp_path / "touched").touch()
        return fine

    run = notebook.run
    with pytest.raises(CellRejected, match="Python cells can't be sandboxed"):
        run("touch", x=1.0)
    assert not (tmp_path / "touched").exists()


def test_a_policy_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(SettingError, match="memory_bytes is not set"):
        Policy(memory=Level.REQUIRE)


def test_results_of_a_sandboxed_run_are_the_same(path: Path) -> None:
    outcome = hotplate.open(path, policy=STRICT).run("fine", x=3.0).cells["fine"].outcome
    assert (outcome.kind, outcome.value) == (OutcomeKind.OK, hotplate.open(path).run("fine", x=3.0)["fine"])
