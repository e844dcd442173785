"""`python -m litebert`, and the `litebert` command."""

from __future__ import annotations

import os
import sys
import threading

from litebert import cli


def main() -> int:
    """The command line as a process of its own."""
    code = cli.main()
    if threading.active_count() > 1:
        # One may wait for the next line of a pipe, and Python would break down over it when it ends.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
