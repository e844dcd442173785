"""JSONL in and out of the verbs: an error in its row's place, a file whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from litebert.data.files import File
from litebert.data.formats import jsonl
from litebert.durable import replacing
from litebert.errors import DataError, InputError, LitebertError, UsageError
from litebert.verbs.telling import tell

Write = Callable[[Any], None]
PIPE = "-"


def read_rows(path: str) -> Iterator[dict[str, Any] | InputError]:
    """The objects of a JSONL file, or of standard input for `-`; a line that is none becomes an error."""
    with closing(File(path)) as file:
        for number, raw in file.raw_lines():
            if not raw.isspace():
                yield _row(file, raw, number)


def error_row(error: LitebertError) -> dict[str, Any]:
    """What stands in the place of an answer."""
    return {"error": {"code": error.code, "message": error.message}}


def unanswered(count: int) -> int:
    """The exit code where so many rows have an error in their place; says how many."""
    if count:
        rows = "1 input" if count == 1 else f"{count:,} inputs"
        tell(f'{rows} could not be answered: see the "error" rows')
    return InputError.exit_code if count else 0


@contextmanager
def open_output(path: str) -> Iterator[Write]:
    """A function that writes a JSON value as a line.

    A file appears under its name only when it is whole; a pipe or a device is written as the lines come.
    Raises `LitebertError` (code `disk`) with what the system says, and `BrokenPipeError` as it is.
    """
    target = Path(path)
    try:
        if path == PIPE:
            if sys.stdout is None:  # Closed by whoever began us; answers must not be lost unsaid.
                raise LitebertError("cannot write to standard output: it is closed", code="disk")
            sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]
            yield _lines(sys.stdout)
        elif target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8", buffering=1) as stream:
                yield _lines(stream)
        else:
            yield from _whole(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LitebertError(f"cannot write {path}: {error.strerror or error}", code="disk") from error


def _whole(target: Path) -> Iterator[Write]:
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: there is no folder {target.parent}")
    with replacing(target) as fresh, fresh.open("w", encoding="utf-8") as stream:
        yield _lines(stream)


def _lines(stream: TextIO) -> Write:
    return lambda value: print(json.dumps(value, ensure_ascii=False), file=stream)


def _row(file: File, raw: bytes, number: int) -> dict[str, Any] | InputError:
    try:
        return jsonl.row(file, file.text(raw, number), number)
    except DataError as error:
        return InputError(error.message)
