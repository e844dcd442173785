"""The cells of a row by what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from litebert.data.formats.table import Known, plain

Names = tuple[str, ...]
"""The column names that mean one thing, likeliest first."""


def cell(cells: Mapping[str, Any], names: Names) -> Any:
    """What stands in the likeliest of the columns that hold anything, or None."""
    found = (cells[column] for column in _of(tuple(cells), names))
    return next((value for value in found if value is not None and value != ""), None)


def text(cells: Mapping[str, Any], names: Names) -> str:
    """The same as a text: one, or a number in its own form; else empty."""
    value = cell(cells, names)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def known(*several: Names) -> Known:
    """What a first row may hold to be one of names."""
    return Known(frozenset(plain(name) for names in several for name in names))


@lru_cache(maxsize=1024)
def _of(present: tuple[str, ...], names: Names) -> tuple[str, ...]:
    by_name = {plain(column): column for column in reversed(present)}
    return tuple(by_name[plain(name)] for name in names if plain(name) in by_name)
