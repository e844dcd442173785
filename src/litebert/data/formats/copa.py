"""COPA's XML (Roemmele et al. 2011): `<item asks-for="cause"> <p> <a1> <a2>`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from litebert.data.files import File
from litebert.data.formats.choices import ASKED
from litebert.data.formats.table import Cells, Known, Table

suffixes: tuple[str, ...] = ()
_ROOT = re.compile(r"<copa-corpus\b")
_PROLOGUE = 2000


def begins(start: str) -> bool:
    """XML whose outermost element is COPA's."""
    return start.lstrip().startswith("<") and _ROOT.search(start, 0, _PROLOGUE) is not None


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (the elements have fixed names)
    """A row for each item: `question`, `options`, `passage`; `index` where it is told. Raises `DataError`."""
    return Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    items = _Items(file)
    for number, line in file.lines():
        items.feed(line, number)
        yield from items.taken()
    items.feed("", 0, last=True)
    yield from items.taken()


class _Items:
    """Text in, a line at a time; rows out."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.rows: list[tuple[int, Cells]] = []
        self.item: dict[str, Any] | None = None
        self.inside = ""
        self.line = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity

    def feed(self, text: str, line: int, *, last: bool = False) -> None:
        """Raises `DataError`."""
        self.line = line or self.line
        try:
            self.parser.Parse(text, last)
        except expat.ExpatError as error:
            raise self.file.error(f"not XML: {expat.ErrorString(error.code)}", self.line) from None

    def taken(self) -> list[tuple[int, Cells]]:
        """The rows since it was last asked."""
        rows, self.rows = self.rows, []
        return rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "item":
            self.item = dict(attributes)
        self.inside = name

    def _text(self, text: str) -> None:
        if self.item is not None and self.inside in ("p", "a1", "a2"):
            self.item[self.inside] = self.item.get(self.inside, "") + text

    def _end(self, name: str) -> None:
        if name == "item" and self.item is not None:
            self.rows.append((self.line, self._row(self.item)))
        self.inside = ""

    def _row(self, item: dict[str, Any]) -> Cells:
        lacking = [name for name in ("p", "a1", "a2", "asks-for") if name not in item]
        if lacking or item["asks-for"] not in ASKED:
            what = (
                f"lacks {lacking[0]}"
                if lacking
                else f"asks for {item['asks-for']!r}, not {' or '.join(ASKED)}"
            )
            raise self.file.error(f"an item {what}", self.line)
        right = item.get("most-plausible-alternative")
        if right not in (None, "1", "2"):
            raise self.file.error(f"the most plausible alternative is {right!r}, not 1 or 2", self.line)
        told = {} if right is None else {"index": int(right) - 1}
        return {
            "question": ASKED[item["asks-for"]],
            "options": [item["a1"], item["a2"]],
            "passage": item["p"],
            **told,
        }

    def _entity(self, *_: Any) -> None:
        raise self.file.error("declares entities of its own, which COPA does not", self.line)
