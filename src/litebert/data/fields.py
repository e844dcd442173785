"""The fields of a task's Input and Output that a data file gives, and how a cell becomes a field's value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, get_type_hints

from litebert import strict_json
from litebert.errors import first_fault
from litebert.tasks.task import Task

Convert = Callable[[Any], Any]
"""From a cell, a string or what JSON gives, to a value. Raises `ValueError` with what was expected."""


@dataclass(frozen=True)
class Field:
    """One field, and what is looked for in its place."""

    name: str
    given: bool
    """Whether it is the Input's; else it is the Output's."""
    required: bool
    names: tuple[str, ...]
    """The column names that mean it, likeliest first."""
    convert: Convert
    type: Any


def fields_of(task: Task[Any, Any], cells: Mapping[str, Convert] | None = None) -> tuple[Field, ...]:
    """The fields that `task.columns` names, the Input's first. `cells` overrides how one is read."""
    ways = {**task.cells, **(cells or {})}
    return tuple(
        Field(
            name=field.name,
            given=noun is task.Input,
            required=field.default is MISSING and field.default_factory is MISSING,
            names=task.columns[field.name],
            convert=ways.get(field.name) or _by_type(hints[field.name], given=noun is task.Input),
            type=hints[field.name],
        )
        for noun in (task.Input, task.Wanted or task.Output)
        for hints in [get_type_hints(noun)]
        for field in dataclass_fields(noun)
        if field.name in task.columns
    )


def by_usual_names(task: Task[Any, Any], cells: Mapping[str, Any]) -> dict[str, Any]:
    """A row with what the Input needs and lacks by a usual name of its column: `text` for `source`."""
    found = {field: cells[column] for field, column in usual_columns(task, cells).items()}
    return {**cells, **{name: value for name, value in found.items() if value is not None}}


def usual_columns(task: Task[Any, Any], cells: Mapping[str, Any]) -> dict[str, str]:
    """field → the usual name by which a row has it, for those that the Input needs and that it lacks."""
    all_fields = [field.name for field in dataclass_fields(task.Input)]
    needed = [
        f.name for f in dataclass_fields(task.Input) if f.default is MISSING and f.default_factory is MISSING
    ]
    if not needed and "text" in cells and not any(name in cells for name in all_fields):
        return {all_fields[0]: "text"}  # All may be left out, but this is meant.
    usual = {
        field: next((name for name in task.columns.get(field, ()) if cells.get(name) is not None), None)
        for field in needed
        if field not in cells
    }
    return {field: column for field, column in usual.items() if column is not None}


class Maker:
    """Cells → an Input or an Output, by the fields that have a column."""

    def __init__(self, noun: type, fields: Sequence[Field], columns: Mapping[str, str]) -> None:
        self.noun = noun
        # A later row may have an optional field that no row has had so far, under the field's own name.
        self.plan = [(f.name, columns.get(f.name, f.name), f.convert, f.required) for f in fields]

    def __call__(self, cells: Mapping[str, Any]) -> Any:
        """Raises `ValueError` that names the field. An optional field of an empty cell keeps its default."""
        values, column = {}, ""
        try:
            for name, column, convert, required in self.plan:
                cell = cells.get(column)
                if required or (cell is not None and cell != ""):
                    values[name] = convert(cell)
        except ValueError as error:
            there = ", ".join(map(repr, cells)) or "nothing"
            more = "" if column in cells else f" (this row has {there})"
            raise ValueError(f"{name} {error}{more}") from None
        return self.noun(**values)


def _by_type(kind: Any, *, given: bool) -> Convert:
    if kind in (str, str | None):
        return text if given else label
    return number if kind is float else _general(kind)


def text(cell: Any) -> str:
    """A text, as it stands."""
    if type(cell) is str:
        return cell
    raise ValueError(_instead("text", cell))


def label(cell: Any) -> str:
    """The name of a class: white space around it is no part of it, and a number is a name too.

    >>> label(" 4 "), label(4), label(4.0), label(True), label(["4"])
    ('4', '4', '4', 'true', '4')
    """
    if type(cell) is str and (name := cell.strip()):
        return name
    if isinstance(cell, list) and len(cell) == 1:
        return label(cell[0])
    if isinstance(cell, list) and len(cell) > 1:
        raise ValueError(f"has {len(cell)} labels, expected one; for several use --task multilabel")
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, int) or (isinstance(cell, float) and math.isfinite(cell)):
        return str(cell)
    raise ValueError(_instead("a label", cell))


def number(cell: Any) -> float:
    """A finite number."""
    if isinstance(cell, int | float | str) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except (ValueError, OverflowError):
            raise ValueError(_instead("a number", cell)) from None
        if math.isfinite(value):
            return value
    raise ValueError(_instead("a finite number", cell))


def _general(kind: Any) -> Convert:
    """For any other type: what pydantic makes of the cell, or of the JSON that it holds."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)

    def convert(cell: Any) -> Any:
        try:
            held = strict_json.loads(cell) if isinstance(cell, str) and cell[:1] in ("[", "{") else cell
            return adapter.validate_python(held)
        except ValidationError as error:
            where, what = first_fault(error)
            said = what.replace("Input should be a valid tuple", "must be a list").replace(
                "Input should", "must"
            )
            raise ValueError(f"at {where}: {said}" if where else said) from None

    return convert


def _instead(expected: str, cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return f"is missing; expected {expected}"
    if cell == "" or cell == []:
        return f"is empty; expected {expected}"
    shown = repr(cell)
    return f"must be {expected}, but is {shown if len(shown) <= 40 else shown[:37] + '...'}"
