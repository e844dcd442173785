"""CSV (RFC 4180): cells between commas, quoted with `"` where they hold a comma, a quote or a line end.

A file whose first line has no comma, but the names of columns between semicolons or tabs, is read by those.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from litebert.data.files import MAX_LINE, File
from litebert.data.formats import delimited
from litebert.data.formats.table import Cells, Known, Table
from litebert.errors import DataError

suffixes = (".csv",)


def read(file: File, known: Known) -> Table:
    """The rows of a CSV file. Raises `DataError`."""
    return delimited.table(file, _records(file, known), known, "a cell that holds a comma must be quoted")


def _records(file: File, known: Known) -> Iterator[delimited.Record]:
    """Each record with the line that it begins on; blank lines are skipped."""
    lines = _Lines(file)
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    reader = csv.reader(lines, delimiter=_delimiter(lines.peek(), known), strict=True)
    while True:
        lines.first = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            file.unreadable(_fault(file, lines, error))
            continue
        if cells:
            yield lines.began, cells


class _Lines:
    """The lines of a file for csv's reader, which remember where a record began."""

    def __init__(self, file: File) -> None:
        self.lines = file.lines()
        self.ahead: tuple[int, str] | None = next(self.lines, None)
        self.first: str | None = None
        self.began = 1

    def peek(self) -> str:
        return self.ahead[1] if self.ahead else ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, text = self.ahead or next(self.lines)
        self.ahead = None
        if self.first is None:
            self.first, self.began = text, number
        return text


def _delimiter(first: str, known: Known) -> str:
    if "," in first:
        return ","
    cells = {mark: first.rstrip("\r\n").split(mark) for mark in ";\t"}
    return next((mark for mark, names in cells.items() if len(names) > 1 and any(map(known, names))), ",")


def _fault(file: File, lines: _Lines, error: Any) -> DataError:
    first = lines.first or ""
    opened = _open_quote(first)
    if opened is not None:
        message = 'a quote opens here and does not end as it should: in a quoted cell, a quote is written ""'
        return file.error(message, lines.began, opened + 1)
    if "\r" in first.rstrip("\r\n"):
        return file.error(
            "a carriage return amid a line; expected lines that end with \\n or \\r\\n", lines.began
        )
    return file.error(f"is not CSV here: {error}; {_QUOTED}", lines.began)


_QUOTED = 'after the quote that ends a cell there must be a comma, and a quote within it is written ""'


def _open_quote(line: str) -> int | None:
    """Where the quote stands that is still open at the end of a line."""
    cells = re.finditer(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*("?)', line)
    return next((cell.start() for cell in cells if not cell[1]), None)


def line(cells: Cells, first: str) -> str:
    """A row as it is written, between the marks that stand between the names in the file's first line."""
    width = len(cells)
    mark = next((mark for mark in ",;\t" if len(next(csv.reader([first], delimiter=mark))) == width), ",")
    written = io.StringIO()
    csv.writer(written, delimiter=mark, lineterminator="\n").writerow(cells.values())
    return written.getvalue()
