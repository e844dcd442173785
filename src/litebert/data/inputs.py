"""Files → Inputs to answer, as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import MISSING, fields
from itertools import chain, islice
from types import ModuleType
from typing import Any

from litebert import names
from litebert.data.columns import by_field, choose, looked_for, present, told
from litebert.data.fields import Maker, by_usual_names, fields_of, usual_columns
from litebert.data.files import File, is_stream, shown
from litebert.data.formats import jsonl
from litebert.data.formats.table import Cells
from litebert.data.plain import is_plain, plain_inputs
from litebert.data.reader import SAMPLE
from litebert.data.rows import FORMATS, begun, by_name, opened, sniffed
from litebert.errors import DataError, InputError, first_fault
from litebert.tasks.task import Task


def read_inputs(
    path: str,
    task: Task[Any, Any],
    *,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Any | InputError]:
    """The Inputs of a file or of standard input (`-`), as a stream: one for each row.

    In JSONL a row has the Input's own keys (or those that `columns` names, or a usual name of a column), and
    what else it has is let pass; blank lines are no rows. Of other formats, by the file's name or how it
    begins, the columns are found as for `read`, and plain text has an Input on each line. A row that is no
    Input is an `InputError` in its place, and the others are read; `DataError` is raised only where the file
    cannot be read on.

    tell: what is done with the sentence that says which columns were guessed; of JSONL, in the first row.
    """
    if format is None and not is_stream(path) and _is_own(path, task):
        return _table_inputs(path, task, columns or {}, None, tell)
    if not columns and format is None and is_plain(path, task):
        return plain_inputs(path, task)
    module = names.find(FORMATS, format, "format") if format else _format(path)
    if module is jsonl:
        return _json_inputs(path, task, columns or {}, tell)
    return _table_inputs(path, task, columns or {}, format, tell)


def _json_inputs(
    path: str, task: Task[Any, Any], columns: Mapping[str, str], tell: Callable[[str], None] | None
) -> Iterator[Any | InputError]:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(task.Input)
    with closing(File(path)) as file:
        for line, raw in file.raw_lines():
            if raw.isspace():
                continue
            try:
                cells = _cells(task, file, file.text(raw, line), line, piped=is_stream(path))
            except DataError as error:
                yield InputError(error.message)
                continue
            if tell is not None:
                _tell_usual(tell, task, cells, columns, file.path)
                tell = None
            yield _json_input(adapter, task, columns, cells, f"{file.path}:{line}")


def _json_input(
    adapter: Any, task: Task[Any, Any], columns: Mapping[str, str], cells: Cells, place: str
) -> Any:
    from pydantic import ValidationError

    try:
        renamed = {field: cells[column] for field, column in columns.items() if column in cells}
        return adapter.validate_python(task.asked(by_usual_names(task, cells | renamed), {}))
    except ValidationError as error:
        where, what = first_fault(error)
        wrong = f"{what[:1].lower()}{what[1:]}"
        return InputError(f"{place}: {where}: {wrong}; expected {_shape(task)}")


def _tell_usual(
    tell: Callable[[str], None], task: Task[Any, Any], cells: Cells, columns: Mapping[str, str], path: str
) -> None:
    """Nothing is said of a row that has the Input's own keys."""
    named = {field: column for field, column in columns.items() if column in cells}
    if usual := usual_columns(task, {**cells, **named}):
        own = {field.name: field.name for field in fields(task.Input) if field.name in cells}
        tell(told({**own, **usual, **named}, named, tuple(cells), path))


def _cells(task: Task[Any, Any], file: File, text: str, line: int, *, piped: bool) -> Cells:
    """The object of a line. Plain text or CSV in a pipe is a common mistake: the error shows an Input."""
    try:
        return jsonl.row(file, text, line)
    except DataError as error:
        others = "; other formats are read from files, not from pipes" if piped and line == 1 else ""
        raise DataError(f"{error.message}; an Input is {_shape(task)}{others}") from None


def _table_inputs(
    path: str,
    task: Task[Any, Any],
    columns: Mapping[str, str],
    format: str | None,
    tell: Callable[[str], None] | None,
) -> Iterator[Any | InputError]:
    wanted = [field for field in fields_of(task) if field.given]
    named = by_field(wanted, columns)
    with opened(path, format=format, known=looked_for(wanted, named), likely=task.formats) as table:
        sample = list(islice(table.rows, SAMPLE))
        rows = [cells for _, cells in sample]
        chosen = choose(table, rows, wanted, named, shown(path))
        if tell is not None and not set(chosen) <= set(named):
            tell(told(chosen, named, present(table, rows), shown(path)))
        make = Maker(task.Input, wanted, chosen)
        for line, cells in chain(sample, table.rows):
            try:
                yield make(task.asked(cells, chosen))
            except ValueError as error:
                yield InputError(f"{shown(path)}:{line}: {error}")


def _format(path: str) -> ModuleType:
    """By the file's name, else by how it begins; JSONL if that does not tell, and of a stream."""
    if (found := by_name(path)) is not None or is_stream(path):
        return found or jsonl
    with closing(File(path)) as file:
        return sniffed(file) or jsonl


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
