"""One file → examples of a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Generic, TypeVar

from litebert.data.columns import Columns, by_field, choose, looked_for, present, told
from litebert.data.example import Example, Examples, Place
from litebert.data.fields import Convert, Field, Maker, fields_of
from litebert.data.files import shown
from litebert.data.formats.table import Cells
from litebert.data.rows import opened
from litebert.errors import DataError
from litebert.tasks.task import PartError, Task

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
Edit = Callable[[Cells], Cells | None]
"""What to make of a row; None leaves it out, and it is counted."""
Only = Callable[[Cells], bool]
"""Whether a row is of the set at all: the others are of another split, and not counted."""

SAMPLE = 200
"""Rows that are looked at to tell columns apart."""
_SHOWN = 3
"""Places that a note names."""


def read_file(
    path: str,
    task: Task[InputT, OutputT],
    *,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    limit: int | None = None,
    cells: Mapping[str, Convert] | None = None,
    edit: Edit | None = None,
    only: Only | None = None,
) -> Examples[InputT, OutputT]:
    """The examples of one file, or of standard input (`-`).

    columns: field → column, for those that should not be guessed; columns of a file without names are
    0, 1, 2, …. cells: how a cell becomes a field's value, where not in the usual way. edit: what to make of
    a row before it is read. only: which rows to read. Raises `DataError` with the place of the first row that
    is wrong.
    """
    fields = fields_of(task, cells)
    named, name = by_field(fields, columns or {}), shown(path)
    with opened(path, format=format, known=looked_for(fields, named), likely=task.formats) as table:
        sample = list(islice(table.rows, SAMPLE))
        if not sample:
            raise DataError("is empty; expected at least one row", path=name)
        first = [row for _, row in sample]
        chosen = choose(table, first, fields, named, name)
        reader = _Reader(task, fields, chosen, name, edit, lined=table.lined)
        lines = chain(sample, table.rows)
        chosen_lines = lines if only is None else (row for row in lines if only(row[1]))
        rows = list(islice(reader.examples(chosen_lines), limit))
    if not rows:
        raise DataError("every row is left out; none is an example", path=name)
    guessed = [] if set(chosen) <= set(named) else [told(chosen, named, present(table, first), name)]
    return Examples(rows, task, chosen, (*guessed, *reader.notes()), reader.counts)


class _Reader(Generic[InputT, OutputT]):
    """Rows → examples, counting what a person should know of."""

    def __init__(
        self,
        task: Task[InputT, OutputT],
        fields: Sequence[Field],
        columns: Columns,
        path: str,
        edit: Edit | None,
        *,
        lined: bool,
    ) -> None:
        self.path, self.edit, self.exercise = path, edit, task.exercise
        self.row = partial(task.row, columns=columns, note=self._remark)
        self.lined = lined
        self.given = Maker(task.Input, [f for f in fields if f.given], columns)
        self.wanted = Maker(task.Wanted or task.Output, [f for f in fields if not f.given], columns)
        self.text = next((f.name for f in fields if f.given and f.type is str), None)
        self.counts: Counter[str] = Counter()
        self.empty: list[int] = []
        self.line = 0
        self.remarks: dict[str, list[int]] = {}

    def examples(self, rows: Iterator[tuple[int, Cells]]) -> Iterator[Example[InputT, OutputT]]:
        for line, cells in rows:
            self.line = line
            if self.edit is not None:
                edited = self.edit(cells)
                if edited is None:
                    self.counts["left_out"] += 1
                    continue
                cells = edited
            try:
                cells = self.row(cells)
                given, wanted = self.exercise(self.given(cells), self.wanted(cells))
            except ValueError as error:
                part = error.part if self.lined and isinstance(error, PartError) else 0
                raise DataError(str(error), path=self.path, line=line + part) from None
            if self.text is not None and not getattr(given, self.text).strip():
                self._note_empty(line)
            yield Example(given, wanted, Place(self.path, line))

    def notes(self) -> list[str]:
        notes = [f"{self.path}: {remark} ({_times(lines)})" for remark, lines in self.remarks.items()]
        if empty := self.counts["empty"]:
            lines = _few(self.empty, empty)
            texts, where = ("text is", "line") if empty == 1 else ("texts are", "lines")
            notes.append(f"{self.path}: {empty} {texts} empty, kept ({where} {lines})")
        if out := self.counts["left_out"]:
            notes.append(f"{self.path}: {out} row{'s' * (out > 1)} without an answer, left out")
        return notes

    def _note_empty(self, line: int) -> None:
        self.counts["empty"] += 1
        if len(self.empty) < _SHOWN:
            self.empty.append(line)

    def _remark(self, remark: str) -> None:
        self.remarks.setdefault(remark, []).append(self.line)


def _times(lines: Sequence[int]) -> str:
    """How often, and where."""
    distinct = list(dict.fromkeys(lines))
    where = f"line{'s' * (len(distinct) > 1)} {_few(distinct, len(distinct))}"
    return where if len(lines) == len(distinct) <= _SHOWN else f"{len(lines):,} times, {where}"


def _few(lines: Sequence[int], count: int) -> str:
    """The first of so many lines."""
    return ", ".join(map(str, lines[:_SHOWN])) + ", …" * (count > _SHOWN)
