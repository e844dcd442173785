"""Code: a description becomes a program, exact to the character: indentation, case and strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

from litebert.tasks.task import Record
from litebert.tasks.writing import TEXTS, Writing
from litebert.tasks.written import exact

DESCRIPTIONS = (
    *("description", "rewritten_intent", "intent", "annotation", "anno", "docstring", "nl"),
    *("source", "question", "text", "描述"),
)


@dataclass(frozen=True, slots=True)
class Description(Record):
    """What code is to do."""

    description: str
    """In words, with the names and strings that are to stand in the code."""


@final
@dataclass(frozen=True, kw_only=True)
class Code(Writing[Description]):
    """What code does what this says?"""

    name = "code"
    Input = Description
    example: ClassVar = {"description": "append the number 3 to the list names"}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "description": DESCRIPTIONS,
        "text": ("code", "snippet", "program", *TEXTS),
        "references": ("references",),
    }
    plain = ("description", "text")
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"text": exact}
    best = "exact_match"
    spaces = "all"

    vocabulary: int = 4000
    copies: bool = True

    def asked(self, cells: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """CoNaLa has rewritten some of what was asked; of the rest, it is as it was asked."""
        column = columns.get("description", "")
        if column == "rewritten_intent" and cells.get(column) is None and "intent" in cells:
            cells = {**cells, column: cells["intent"]}
        return super().asked(cells, columns)
