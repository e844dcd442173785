"""What every format gives: rows of cells by the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Any

Cells = dict[str, Any]
"""A row: strings where the file holds only text, else what JSON or Parquet gives."""

MOST = 10_000
"""Columns: more are no table of texts, and to tell which is which would take very long."""


def too_many(columns: Sized) -> str:
    """What is said of more than `MOST` columns."""
    return f"{len(columns):,} columns; {MOST:,} are the most that are read"


def plain(name: str) -> str:
    """A column's name without what people write differently: `Sentence_1` and `sentence 1` are the same."""
    return re.sub(r"[\W_]+", "", name.casefold())


@dataclass(frozen=True)
class Known:
    """The names of columns that somebody looks for, in `plain` form."""

    names: frozenset[str] = frozenset()
    header: bool | None = None
    """Whether the first row holds names, where that has been said; None leaves it to be found out."""

    def __call__(self, cell: str) -> bool:
        return plain(cell) in self.names


@dataclass(frozen=True)
class Table:
    """The rows of one file, a stream; each with its line, from 1 (in Parquet, the number of the row)."""

    rows: Iterator[tuple[int, Cells]]
    columns: tuple[str, ...] | None = None
    """The names of all columns, or None where each row names its own."""
    header: bool = True
    """Whether the file names its columns; if not, they are called 0, 1, 2, …"""
    lined: bool = False
    """Whether each part of a row stands on a line of its own, one after another."""
