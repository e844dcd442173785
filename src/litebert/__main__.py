"""`python -m litebert`, and the `litebert` command."""

from litebert.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
