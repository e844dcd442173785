"""Columns that look swapped: labels where texts should be, in the whole file or in some rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.data.example import Place

LOOKED_AT = 2_000
"""Rows from which the whole file is judged."""
KEPT = 10_000
_LABEL = 64
"""Characters that a label has at most."""


class Columns(Check):
    """Whether the label is shorter than the text, and comes again."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "swapped": Kind("columns that look swapped", "name them: --text-column, --label-column", True),
        "swapped-row": Kind("a row with its text and its label swapped", "swap them back", True),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.labels: Counter[str] = Counter()
        self.texts: set[str] = set()
        self.lengths = [0, 0]
        self.rows = 0
        self.odd: list[tuple[int, Place, str, str]] = []

    def row(self, row: Row) -> Iterator[Finding]:
        if row.label is None or len(row.texts) != 1:
            return
        text, label = row.texts[0], row.label
        self.rows += 1
        if len(label) <= _LABEL:
            self.labels[label] += 1
        if self.rows <= LOOKED_AT:
            self.texts.add(text)
            self.lengths[0] += len(text)
            self.lengths[1] += len(label)
            self.place = row.place
        if len(text) < len(label) and len(self.odd) < KEPT:
            self.odd.append((row.number, row.place, text.strip(), label))
        yield from ()

    def end(self) -> Iterator[Finding]:
        columns = self.study.columns
        looked = min(self.rows, LOOKED_AT)
        if looked >= 4 and self.lengths[1] > 2 * self.lengths[0] and len(self.texts) <= looked / 2:
            message = (
                f"{columns.get('text', 'the text')!r} has {len(self.texts)} different short texts in "
                f"{looked} rows, {columns.get('label', 'the label')!r} long ones: are they swapped?"
            )
            yield self.found("swapped", Place(self.place.path, 1), message)
            return
        for number, place, text, label in self.odd:
            if self.labels[text] > 1 >= self.labels[label]:
                message = f"the text is {shown(text)}, a label, and the label is {shown(label)}"
                yield self.found("swapped-row", place, message, number=number, cells=self._back(text, label))

    def _back(self, text: str, label: str) -> dict[str, str] | None:
        columns = self.study.columns
        if "text" not in columns or "label" not in columns:
            return None
        return {columns["text"]: label, columns["label"]: text}
