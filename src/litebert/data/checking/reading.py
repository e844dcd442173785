"""A file, or a source, row by row; what cannot be read is a finding, and the next row is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from litebert.data.checking.check import Check, Line, Record, Study, finding
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.patient import Patient
from litebert.data.checking.row import Row
from litebert.data.columns import by_field, choose, looked_for
from litebert.data.example import Place
from litebert.data.fields import Maker, fields_of
from litebert.data.formats.table import Table
from litebert.data.reader import SAMPLE
from litebert.data.rows import opened
from litebert.errors import DataError
from litebert.tasks.task import PartError

KINDS = {
    "unreadable": Kind("a row that the task, or the format, cannot read", "mend the row, or drop it", True),
    "noted": Kind("a row that is read, but not quite as it stands", "see that it is meant so"),
}
Hear = Callable[[Finding], None]
Mends = Callable[[int, Mapping[str, Any]], None]
"""Is told the number of a row, and the cells that a check has mended in it."""


class Reading:
    """One file for one task."""

    def __init__(
        self,
        path: str,
        study: Study,
        checks: Sequence[Check],
        hear: Hear,
        mends: Mends,
        *,
        named: Mapping[str, str],
        format: str | None,
    ) -> None:
        self.path, self.study, self.checks, self.hear = path, study, checks, hear
        self.mends, self.named, self.format = mends, named, format
        self.counts: Counter[str] = Counter()
        self.faults: list[int] = []
        """The lines of rows that the format could not read."""

    def rows(self) -> Iterator[Row]:
        """Raises `DataError` for a file of which nothing can be read."""
        task = self.study.task
        fields = fields_of(task)
        named = by_field(fields, self.named)
        opens = partial(Patient, hears=self._line, misses=self._missed)
        known = looked_for(fields, named)
        with opened(self.path, format=self.format, known=known, likely=task.formats, opens=opens) as table:
            sample = list(islice(table.rows, SAMPLE))
            if not sample:
                raise DataError("holds no row that can be read", path=self.study.path)
            columns = choose(table, [cells for _, cells in sample], fields, named, self.study.path)
            self.study.columns = columns
            given = Maker(task.Input, [f for f in fields if f.given], columns)
            wanted = Maker(task.Wanted or task.Output, [f for f in fields if not f.given], columns)
            for number, (line, cells) in enumerate(self._to_the_end(sample, table)):
                record = self._record(Record(number, Place(self.study.path, line), cells))
                row = self._row(record, given, wanted, lined=table.lined)
                if row is not None:
                    yield row

    def _to_the_end(self, sample: list[Any], table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            yield from chain(sample, table.rows)
        except DataError as error:
            self._missed(error)
            self.study.unchecked.append(f"nothing after line {error.line} could be read")

    def _line(self, line: Line) -> None:
        for check in self.checks:
            for found in check.line(line):
                self.hear(found)

    def _missed(self, error: DataError) -> None:
        line = error.line or 1
        self.counts["unreadable"] += 1
        self.faults.append(line)
        self.hear(finding(KINDS, "unreadable", Place(self.study.path, line), _bare(error), mended=True))

    def _record(self, record: Record) -> Record:
        """With what checks mend in it, of which a repaired copy hears."""
        before = record.cells
        for check in self.checks:
            for found in check.cells(record):
                self.hear(found)
        if record.cells is not before:
            changed = {name: value for name, value in record.cells.items() if value != before.get(name)}
            self.mends(record.number, changed)
        return record

    def _row(self, record: Record, given: Maker, wanted: Maker, *, lined: bool) -> Row | None:
        task, notes = self.study.task, list[str]()
        self.counts["rows"] += 1
        try:
            cells = task.row(record.cells, self.study.columns, notes.append)
            pair = task.exercise(given(cells), wanted(cells))
        except ValueError as error:
            part = error.part if lined and isinstance(error, PartError) else 0
            place = Place(record.place.path, record.place.line + part)
            self.counts["unreadable"] += 1
            self.hear(finding(KINDS, "unreadable", place, str(error), number=record.number, drop=True))
            return None
        for note in dict.fromkeys(notes):
            self.hear(finding(KINDS, "noted", record.place, note, number=record.number))
        return Row(record.number, record.place, *pair, cells=record.cells)


def _bare(error: DataError) -> str:
    """What it says, without the place that stands beside it."""
    place = ":".join(str(part) for part in (error.path, error.line, error.column) if part is not None)
    return error.message.removeprefix(f"{place}: ")
