"""What task a file is for, where nobody has said: by how it begins, or by the names of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from litebert import names
from litebert.data.checking.patient import Patient
from litebert.data.columns import by_field, choose, looked_for
from litebert.data.fields import Field, fields_of
from litebert.data.formats.table import Cells, Table, plain
from litebert.data.rows import begun, opened
from litebert.errors import DataError, UsageError
from litebert.tasks.naming import named
from litebert.tasks.task import Task

TASKS = "litebert.tasks"
USUAL = ("classification", "question-answering", "choice", "entities", "roles", "relations", "regression")
"""Those that come first where several would do."""
_SAMPLE = 50


def patient(path: str) -> Patient:
    """A file that is read as well as can be, of which nobody wants to hear."""
    return Patient(path, hears=lambda _: None, misses=lambda _: None)


def guess(path: str, columns: Mapping[str, str], format: str | None) -> Task[Any, Any]:
    """The task whose fields the file names most of. Raises `UsageError` where none can be told."""
    known = names.known(TASKS)
    tasks = [named(name)() for name in sorted(known, key=lambda name: (_rank(name), name))]
    if format is None:
        with closing(patient(path)) as file:
            if not file.start().strip():
                raise file.error("is empty; expected rows of text")
            for task in tasks:
                if begun(file, task.formats) is not None:
                    return task
    fits = {task: _fit(path, task, columns, format) for task in tasks}
    best = max(tasks, key=lambda task: fits[task])
    if fits[best] > 0:
        return best
    first = tasks[0]
    if _is_of(path, first, columns, format):
        return first
    raise UsageError(f"what is {path} for? Say --task, one of {', '.join(known)}")


def _rank(name: str) -> int:
    return USUAL.index(name) if name in USUAL else len(USUAL)


def _fit(path: str, task: Task[Any, Any], columns: Mapping[str, str], format: str | None) -> int:
    """How many fields have a column of their name; 0 if a required one has none."""
    fields = fields_of(task)
    try:
        named_columns = by_field(fields, columns)
        table, sample = _sample(path, fields, named_columns, format)
    except (DataError, UsageError):
        return 0
    present = {plain(name) for name in table.columns or [key for cells in sample for key in cells]}
    found = [
        field
        for field in fields
        if field.name in named_columns or any(plain(name) in present for name in field.names)
    ]
    needed = [field for field in fields if field.required]
    answers = [field for field in found if not field.given]
    fits = table.header and answers and all(field in found for field in needed)
    return len(found) if fits else 0


def _is_of(path: str, task: Task[Any, Any], columns: Mapping[str, str], format: str | None) -> bool:
    fields = fields_of(task)
    try:
        named_columns = by_field(fields, columns)
        table, sample = _sample(path, fields, named_columns, format)
        choose(table, sample, fields, named_columns, path)
    except (DataError, UsageError):
        return False
    return True


def _sample(
    path: str, fields: Sequence[Field], columns: Mapping[str, str], format: str | None
) -> tuple[Table, list[Cells]]:
    with opened(path, format=format, known=looked_for(fields, columns), opens=patient) as table:
        return table, [cells for _, cells in islice(table.rows, _SAMPLE)]
