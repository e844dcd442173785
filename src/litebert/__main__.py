"""`python -m litebert`, and the `litebert` command."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

from litebert import cli


def main() -> int:
    """The command line as a process of its own."""
    code = _code()
    if threading.active_count() > 1 or code == cli.INTERRUPTED:
        # A thread may wait for the next line of a pipe, and Python would break down over it when it ends.
        # And where Ctrl-C came while a library had code evaluated, Python would end itself by the signal.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # Its reader has gone, or it is closed.
                stream.flush()
        os._exit(code)
    return code


def _code() -> int:
    """The exit code, also where a signal (`verbs/stopping.py`) or a wrong flag ends it from within."""
    try:
        return cli.main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        return end.code


if __name__ == "__main__":
    raise SystemExit(main())
