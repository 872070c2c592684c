"""The command `hotplate`, also as `python -m hotplate`."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Runs the command line and exits; see hotplate.cli.

    Until a command has something to undo and says so, Ctrl-C ends the process on the spot: an exception in the middle
    of an import would surface as a traceback, or as another exception (`__set_name__` of Python 3.11 wraps it).
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from hotplate.cli import app

    app.main()


def _end(*_: object) -> None:
    os.write(2, b"hotplate: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
