"""What a check finds: what it is, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from litebert.data.example import Place


class Kind(NamedTuple):
    """What a code means."""

    about: str
    """What is the matter, in a line."""
    fix: str
    """What to do about it."""
    serious: bool = False
    """Whether training would fail, or figures be wrong, with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or may be, in one place."""

    code: str
    place: Place
    message: str
    fix: str
    serious: bool
    number: int | None = None
    """Of the row, from 0."""
    drop: bool = False
    """Whether a repaired copy leaves the row out."""
    cells: Mapping[str, Any] | None = None
    """What a repaired copy has in the row instead."""
    mended: bool = False
    """Whether it was mended as the file was read: what comes after it sees the mended line or cells."""

    @property
    def mends(self) -> bool:
        """Whether a repaired copy does not have it."""
        return self.drop or self.mended or self.cells is not None

    def json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "path": self.place.path,
            "line": self.place.line,
            "message": self.message,
            "fix": self.fix,
            "serious": self.serious,
            "mends": self.mends,
        }
