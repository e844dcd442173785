"""TSV as GLUE has it: cells between tabs, taken as they stand. A quote is a quote."""

from __future__ import annotations

import re
from collections.abc import Iterator

from litebert.data.files import File
from litebert.data.formats import delimited
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".tsv", ".tab")
_QUOTED = "in .tsv a quote is a quote; where cells are quoted, name the file .csv, which may have tabs, too"


def read(file: File, known: Known) -> Table:
    """The rows of a TSV file; blank lines are skipped. Raises `DataError`."""
    return delimited.table(
        file, _records(file), known, "a cell cannot hold a tab or a line end; use CSV or JSONL", _QUOTED
    )


def _records(file: File) -> Iterator[delimited.Record]:
    for number, text in file.lines():
        line = text.removesuffix("\n").removesuffix("\r")
        if line:
            yield number, line.split("\t")


def line(cells: Cells, first: str) -> str:  # noqa: ARG001 (the file's first line, which says nothing of others)
    """A row as it is written. What a cell cannot hold is a space in it."""
    return "\t".join(re.sub(r"[\t\r\n]", " ", str(cell)) for cell in cells.values()) + "\n"
