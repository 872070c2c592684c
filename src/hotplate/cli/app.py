"""The entry of the command line: commands by name, errors as messages, exit codes."""

from __future__ import annotations

import errno
import io
import os
import sys

import click

import hotplate
from hotplate.cli.bench import bench
from hotplate.cli.common import flush
from hotplate.cli.machine import cache, doctor
from hotplate.cli.notebooks import check, compile_commands, graph, new
from hotplate.cli.resume import resume
from hotplate.cli.run import run
from hotplate.cli.runs import runs
from hotplate.cli.watch import watch
from hotplate.errors import HotplateError

_version = click.version_option(hotplate.__version__, prog_name="hotplate")
app: click.Group = _version(
    click.Group(
        name="hotplate",
        help="Runs C and C++ notebooks at native speed.",
        commands=[run, resume, runs, watch, bench, check, graph, new, compile_commands, doctor, cache],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
)

_INTERRUPTED = 130


def main() -> None:
    """Runs the command line and exits.

    0 done; 1 a cell failed; 2 the notebook or the call is wrong; 3 it does not compile; 130 interrupted.
    """
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    if sys.platform == "win32":
        _write_utf8()
    try:
        code = _command()
        sys.stdout.flush()  # so that a pipe that was closed shows here, not in Python's own words at exit
    except KeyboardInterrupt:
        print("hotplate: interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        closed = isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)
        code = 141 if closed else 1
        if code == 1:
            print(f"hotplate: can't write the output: {error.strerror}", file=sys.stderr)
    _leave(code)


def _write_utf8() -> None:
    """Makes what goes to a file or pipe UTF-8, as Python 3.15 does: a code page lacks most characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")


def _command() -> int:
    try:
        # Not app(): it answers interrupts and closed pipes in its own way.
        with app.make_context("hotplate", sys.argv[1:]) as context:
            return app.invoke(context) or 0
    except SystemExit:  # what rich makes of a closed pipe
        raise BrokenPipeError from None
    except click.exceptions.Exit as request:  # --help
        return request.exit_code
    except click.ClickException as error:  # of the call itself
        of = getattr(error, "ctx", None)
        command = of.command_path if of is not None else "hotplate"
        print(f"hotplate: {error.format_message().rstrip('.')}; see {command} --help", file=sys.stderr)
        return 2
    except (HotplateError, MemoryError) as error:
        return _report(error)


def _leave(code: int) -> None:
    """Exits; past threads that are still inside a cell, which nothing in this process can stop.

    After an interrupt it exits on the spot: the interpreter would take up to 70 ms to tidy up.
    """
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: another Ctrl-C would only garble the exit
    stuck = [t for t in threading.enumerate() if t.name.startswith("hotplate-") and t.name[9:].isdigit()]
    if stuck or code == _INTERRUPTED:
        flush()
        os._exit(code)
    sys.exit(code)


def _prints_json(arguments: list[str]) -> bool:
    """Whether stdout is for JSON; that of `bench` goes to a file unless that is `-`."""
    if "--json" not in arguments:
        return False
    return arguments[0] != "bench" or arguments[arguments.index("--json") + 1 :][:1] == ["-"]


def _report(error: BaseException) -> int:
    if _prints_json(sys.argv[1:]):
        from hotplate.cli.reports import dumps, error_document, line

        in_lines = sys.argv[1:2] == ["watch"]
        print(line({"kind": "error", **error_document(error)}) if in_lines else dumps(error_document(error)))
    text = str(error) or "out of memory"
    print(text if getattr(error, "diagnostics", None) else f"hotplate: {text}", file=sys.stderr)
    return error.exit_code if isinstance(error, HotplateError) else 1
