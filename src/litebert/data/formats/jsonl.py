"""JSONL: one JSON object a line. Blank lines are skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator

from litebert import strict_json
from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table
from litebert.errors import DataError

suffixes = (".jsonl", ".ndjson")


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (each row names its columns)
    """The rows of a JSONL file. Raises `DataError`."""
    return Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    for number, text in file.lines():
        if text and not text.isspace():
            try:
                cells = row(file, text, number)
            except DataError as error:
                file.unreadable(error)
            else:
                yield number, cells


def row(file: File, text: str, line: int) -> Cells:
    """The object that a line holds. Raises `DataError`."""
    try:
        value = strict_json.loads(text)
    except strict_json.JsonError as fault:
        column = None if fault.at is None else fault.at + 1
        raise file.error(f"not JSON: {fault.message}; expected one object a line", line, column) from None
    if not isinstance(value, dict):
        raise file.error(f"expected a JSON object, {{…}}, but this is {strict_json.kind(value)}", line)
    return value


def line(cells: Cells, first: str) -> str:  # noqa: ARG001 (the file's first line, which says nothing of others)
    """A row as it is written."""
    return json.dumps(cells, ensure_ascii=False) + "\n"
