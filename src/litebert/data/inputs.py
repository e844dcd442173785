"""Files → Inputs to answer, as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import MISSING, fields
from itertools import chain, islice
from typing import Any

from litebert import names
from litebert.data.columns import by_field, choose, looked_for
from litebert.data.fields import Maker, by_usual_names, fields_of
from litebert.data.files import File, shown
from litebert.data.formats import jsonl
from litebert.data.formats.table import Cells
from litebert.data.plain import is_plain, plain_inputs
from litebert.data.reader import SAMPLE
from litebert.data.rows import FORMATS, begun, by_name, opened
from litebert.errors import DataError, InputError, first_fault
from litebert.tasks.task import Task


def read_inputs(
    path: str,
    task: Task[Any, Any],
    *,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
) -> Iterator[Any | InputError]:
    """The Inputs of a file or of standard input (`-`), as a stream: one for each row.

    In JSONL a row has the Input's own keys (or those that `columns` names, or a usual name of a column), and
    what else it has is let pass; blank lines are no rows. Of other formats the columns are found as for
    `read`, and plain text has an Input on each line. A row that is no Input is an `InputError` in its place,
    and the others are read; `DataError` is raised only where the file cannot be read on.
    """
    if format is None and path != "-" and _is_own(path, task):
        return _table_inputs(path, task, columns or {}, None)
    if not columns and format is None and is_plain(path, task):
        return plain_inputs(path, task)
    module = names.find(FORMATS, format, "format") if format else by_name(path) or jsonl
    if module is jsonl:
        return _json_inputs(path, task, columns or {})
    return _table_inputs(path, task, columns or {}, format)


def _json_inputs(path: str, task: Task[Any, Any], columns: Mapping[str, str]) -> Iterator[Any | InputError]:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(task.Input)
    with closing(File(path)) as file:
        for line, raw in file.raw_lines():
            if not raw.isspace():
                yield _json_input(adapter, task, columns, file, raw, line)


def _json_input(
    adapter: Any, task: Task[Any, Any], columns: Mapping[str, str], file: File, raw: bytes, line: int
) -> Any:
    from pydantic import ValidationError

    try:
        cells = _cells(task, file, file.text(raw, line), line)
        renamed = {field: cells[column] for field, column in columns.items() if column in cells}
        return adapter.validate_python(by_usual_names(task, cells | renamed))
    except DataError as error:
        return InputError(error.message)
    except ValidationError as error:
        where, what = first_fault(error)
        told = f"{what[:1].lower()}{what[1:]}"
        return InputError(f"{file.path}:{line}: {where}: {told}; expected {_shape(task)}")


def _cells(task: Task[Any, Any], file: File, text: str, line: int) -> Cells:
    """The object of a line. Plain text in a pipe is the commonest mistake: the error shows an Input."""
    try:
        return jsonl.row(file, text, line)
    except DataError as error:
        raise DataError(f"{error.message}; an Input is {_shape(task)}") from None


def _table_inputs(
    path: str, task: Task[Any, Any], columns: Mapping[str, str], format: str | None
) -> Iterator[Any | InputError]:
    wanted = [field for field in fields_of(task) if field.given]
    named = by_field(wanted, columns)
    with opened(path, format=format, known=looked_for(wanted, named), likely=task.formats) as table:
        sample = list(islice(table.rows, SAMPLE))
        chosen = choose(table, [cells for _, cells in sample], wanted, named, shown(path))
        make = Maker(task.Input, wanted, chosen)
        for line, cells in chain(sample, table.rows):
            try:
                yield make(cells)
            except ValueError as error:
                yield InputError(f"{shown(path)}:{line}: {error}")


def _is_own(path: str, task: Task[Any, Any]) -> bool:
    """Whether the file begins like one of the formats that are the task's own."""
    if not task.formats:
        return False
    with closing(File(path)) as file:
        return begun(file, task.formats) is not None


def _shape(task: Task[Any, Any]) -> str:
    """How an Input looks as JSON: {"text": …, "second"?: …}."""
    optional = {f.name: "?" for f in fields(task.Input) if f.default is not MISSING}
    return "{" + ", ".join(f'"{f.name}"{optional.get(f.name, "")}: …' for f in fields(task.Input)) + "}"
