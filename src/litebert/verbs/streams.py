"""JSONL in and out of the verbs: files or pipes, an error in its row's place, outputs whole or not at all."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from litebert.errors import DataError, InputError, UsageError

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. A longer line is no row, and is not held in memory."""


def read_jsonl(path: str) -> Iterator[dict[str, Any] | InputError]:
    """The objects of a JSONL file, or of standard input for `-`; a line that is none becomes an error."""
    with _open_input(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if line.strip():
                yield _row(line, number, file)


def error_row(error: InputError) -> dict[str, Any]:
    """What stands in the place of an answer."""
    return {"error": {"code": error.code, "message": error.message}}


@contextmanager
def open_output(path: str) -> Iterator[Callable[[str], None]]:
    """A function that writes a line. A file appears under its name only when it is whole."""
    if path == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        yield lambda line: print(line)
        sys.stdout.flush()
        return
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: there is no folder {target.parent}")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield lambda line: print(line, file=file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _open_input(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; only the opening may fail so
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=path) from None
    with file:
        yield file


def _row(line: bytes, number: int, file: BinaryIO) -> dict[str, Any] | InputError:
    if len(line) > LONGEST_LINE:
        while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        return InputError(f"line {number} is longer than {LONGEST_LINE} bytes", code="too_long")
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        return InputError(f"line {number} is not UTF-8 at byte {error.start + 1}", code="encoding")
    except (ValueError, RecursionError) as error:
        return InputError(f"line {number} is not JSON: {error}", code="json")
    if not isinstance(row, dict):
        return InputError(f"line {number} must be a JSON object, but is {type(row).__name__}", code="json")
    return row
