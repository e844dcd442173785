"""What CSV and TSV share: rows of cells, the first of which may be names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from litebert.data.files import File
from litebert.data.formats.table import MOST, Cells, Known, Table, too_many
from litebert.errors import listed

Record = tuple[int, list[str]]
"""A line's number and its cells."""

SAMPLE = 100
"""Rows that are looked at to tell whether the first holds names."""


def table(file: File, records: Iterator[Record], known: Known, hint: str, quoted: str = "") -> Table:
    """The table of these records. hint: what to do about a row with too many cells; quoted: about one with
    too few, whose last begins with a quote.

    The first row holds the names of columns if one of its cells is a known name that does not come again
    in its column, or if all of them look like names. Raises `DataError`.
    """
    sample = list(islice(records, SAMPLE))
    if not sample:
        raise file.error("is empty; expected rows of text")
    (line, first), *rest = sample
    if len(first) > MOST:
        raise file.error(too_many(first), line)
    header = has_header(first, [cells for _, cells in rest], known)
    columns = tuple(cell.strip() for cell in first) if header else tuple(map(str, range(len(first))))
    for i, name in enumerate(columns):
        if name and name in columns[:i]:  # Of columns without a name there may be several; none is asked for.
            both = f"{columns.index(name) + 1} and {i + 1}"
            raise file.error(f"columns {both} are both named {name!r}; rename one of them", line)
    if header and not rest:
        raise file.error(f"has the names of columns ({listed(columns)}) and no rows")
    rows = chain(rest if header else sample, records)
    return Table(_named(file, rows, columns, header, (hint, quoted)), columns, header)


def has_header(first: list[str], rest: list[list[str]], known: Known) -> bool:
    """Whether the first row names the columns."""
    if known.header is not None:
        return known.header
    below = [{cells[i] for cells in rest if i < len(cells)} for i in range(len(first))]
    if any(known(cell) and cell not in seen for cell, seen in zip(first, below, strict=True)):
        return True
    return len(first) > 1 and all(
        _like_a_name(cell) and cell not in seen for cell, seen in zip(first, below, strict=True)
    )


def _like_a_name(cell: str) -> bool:
    return re.fullmatch(r"[^\W\d_][\w#.\-]*( [\w#.\-]+)?", cell) is not None and len(cell) <= 30


def _named(
    file: File, records: Iterator[Record], columns: tuple[str, ...], header: bool, hints: tuple[str, str]
) -> Iterator[tuple[int, Cells]]:
    width = len(columns)
    for line, cells in records:
        if len(cells) != width:
            file.unreadable(file.error(_ragged(cells, columns, header, hints), line))
            continue
        yield line, dict(zip(columns, cells))  # noqa: B905 (the widths have just been compared)


def _ragged(cells: list[str], columns: tuple[str, ...], header: bool, hints: tuple[str, str]) -> str:
    expected = f"{len(columns)} ({listed(columns)})" if header else f"{len(columns)}, as in the first row"
    too_many, quoted = hints
    hint = too_many if len(cells) > len(columns) else quoted if cells[-1].startswith('"') else ""
    more = f": {hint}" if hint else ""
    return f"{len(cells)} cell{'s' * (len(cells) != 1)}; expected {expected}{more}"
