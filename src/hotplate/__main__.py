"""The command `hotplate`, also as `python -m hotplate`."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Runs the command line and exits; see hotplate.cli.

    While its modules are imported there is nothing to undo, so Ctrl-C ends the process on the spot. An exception would
    surface wherever the import happens to be, as a traceback.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from hotplate import cli

    signal.signal(signal.SIGINT, usual)
    cli.main()


if __name__ == "__main__":
    main()
