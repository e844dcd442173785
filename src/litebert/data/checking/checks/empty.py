"""Texts of nothing but white space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import ClassVar

from litebert.data.checking.check import Check
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row


class Empty(Check):
    """Whether there is something to read in each text."""

    kinds: ClassVar[Mapping[str, Kind]] = {"empty": Kind("a text of white space alone", "drop the row")}

    def row(self, row: Row) -> Iterator[Finding]:
        for field in fields(row.given):
            text = getattr(row.given, field.name)
            if isinstance(text, str) and not text.strip():
                yield self.found("empty", row.place, f"{field.name} is empty", number=row.number, drop=True)
