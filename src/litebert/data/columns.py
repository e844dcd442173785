"""Which column is which field: named by the person, else by its name, else by what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches

from litebert.data.fields import Field
from litebert.data.formats.table import MOST, Cells, Known, Table, plain, too_many
from litebert.errors import NAME, ColumnError, DataError, UsageError, listed, nearest

Columns = dict[str, str]
"""Field → column."""
LABEL = "label"
"""By this name a person calls the column of any task's answers."""
TEXT = "text"
"""By this name a person calls the column of any task's texts."""


def by_field(fields: Sequence[Field], named: Mapping[str, str]) -> Columns:
    """What was named, under the fields' own names: `label` is also the one field of any other Output, and
    `text` the first of any Input.

    Raises `UsageError` for a field that there is not.
    """
    answers = [field.name for field in fields if not field.given and field.required]
    known, texts = [field.name for field in fields], [field.name for field in fields if field.given]
    columns: Columns = {}
    for name, column in named.items():
        own = answers[0] if name == LABEL and name not in known and len(answers) == 1 else name
        if name == TEXT and texts and TEXT not in texts and texts[0] not in named:
            own = texts[0]
        if own not in known:
            raise UsageError(nearest(name, known, "field of this task"))
        columns[own] = column
    return columns


def looked_for(fields: Sequence[Field], named: Mapping[str, str]) -> Known:
    """What a first row may hold to be one of names."""
    usual = [name for field in fields for name in field.names]
    return Known(
        names=frozenset(map(plain, [*usual, *named.values()])),
        header=None if not named else not all(column.isdecimal() for column in named.values()),
    )


def choose(
    table: Table, sample: Sequence[Cells], fields: Sequence[Field], named: Mapping[str, str], path: str
) -> Columns:
    """The column of each field that has one. Raises `DataError` for a name that no column has, and for a
    required field that has none."""
    names = present(table, sample)
    if len(names) > MOST:
        raise DataError(too_many(names), path=path, line=1)
    for column in named.values():
        if column not in names:
            message = nearest(column, names, "column")
            raise DataError(message, path=path, line=1)
    chosen: Columns = dict(named)
    if table.header:
        _by_name(chosen, names, fields)
    else:
        # Who numbers columns numbers all that are meant.
        _by_content(chosen, names, [f for f in fields if f.required or not named], sample)
    missing = [field for field in fields if field.required and field.name not in chosen]
    if missing:
        looks = dict(chosen)
        _by_content(looks, names, missing, sample)
        raise _not_found(missing, names, table, fields, looks, path)
    return {field.name: chosen[field.name] for field in fields if field.name in chosen}


def present(table: Table, sample: Sequence[Cells]) -> tuple[str, ...]:
    """The names of a table's columns: of one whose rows name their own, those of the sample."""
    return table.columns or tuple(dict.fromkeys(key for cells in sample for key in cells))


def told(chosen: Columns, named: Mapping[str, str], present: Sequence[str], path: str) -> str:
    """The sentence for a person: which column is which field, and which of that was guessed."""
    sure = [field for field, column in chosen.items() if field in named or field == column]
    pairs = [f"{field} = {column!r}{' (guessed)' * (field not in sure)}" for field, column in chosen.items()]
    unused = [repr(column) for column in present if column not in chosen.values()]
    return f"{path}: columns {', '.join(pairs)}" + (f"; not used: {', '.join(unused)}" if unused else "")


def _by_name(chosen: Columns, present: Sequence[str], fields: Sequence[Field]) -> None:
    """Fills in the fields whose columns have a usual name; each column is one field's at most."""
    for field in fields:
        free = {plain(column): column for column in present if column not in chosen.values()}
        column = next((free[plain(name)] for name in field.names if plain(name) in free), None)
        if field.name not in chosen and column is not None:
            chosen[field.name] = column


def _by_content(
    chosen: Columns, present: Sequence[str], fields: Sequence[Field], sample: Sequence[Cells]
) -> None:
    """Fills in the Output's fields with columns of few values or of numbers, then the Input's with text."""
    cells = {column: [str(row.get(column, "")) for row in sample] for column in present}
    lists = {column for row in sample for column, cell in row.items() if isinstance(cell, list | dict)}
    for field in sorted(fields, key=lambda field: field.given):
        fit = {c: held for c, held in cells.items() if c not in lists} if field.type is str else cells
        free = [column for column in fit if column not in chosen.values()]
        if field.name in chosen or not free:
            continue
        fitting = _texts(free, fit) if field.given else _answers(free, fit, numbers=field.type is float)
        if fitting:
            chosen[field.name] = fitting[0]


def _answers(free: Sequence[str], cells: Mapping[str, list[str]], *, numbers: bool) -> list[str]:
    """The columns that may hold labels, fewest different first, or scores, the last first."""
    several = [c for c in free if len(set(cells[c])) > 1 and all(cell.strip() for cell in cells[c])]
    if numbers:
        return [c for c in reversed(several) if all(map(_is_number, cells[c])) and not _counts(cells[c])]
    most = min(max(2, len(cells[free[0]]) // 2), len(cells[free[0]]) - 1)
    repeated = [c for c in several if len(set(cells[c])) <= most]
    return sorted(repeated, key=lambda c: (len(set(cells[c])), -free.index(c)))


def _texts(free: Sequence[str], cells: Mapping[str, list[str]]) -> list[str]:
    """The columns that may hold texts: not numbers, and not much shorter than the longest."""
    lengths = {c: sum(map(len, held)) for c, held in cells.items() if not all(map(_is_number, held))}
    longest = max(lengths.values(), default=0)
    return [c for c in free if lengths.get(c, -1) >= 0.3 * longest]


def _is_number(cell: str) -> bool:
    with suppress(ValueError):
        float(cell)
        return True
    return False


def _counts(cells: Sequence[str]) -> bool:
    """Whether these number the rows."""
    with suppress(ValueError):
        first = int(cells[0])
        return [int(cell) for cell in cells] == list(range(first, first + len(cells)))
    return False


def _not_found(
    missing: Sequence[Field],
    present: Sequence[str],
    table: Table,
    fields: Sequence[Field],
    looks: Columns,
    path: str,
) -> DataError:
    """looks: which columns the missing fields' might be, by what is in them."""
    field = missing[0]
    if not table.header:
        return _not_told(field, present, [f for f in fields if f.required], path)
    close = {f.name: c for f in missing if (c := _alike(f, present) or looks.get(f.name))}
    hint, naming = "say which with ", {_said(field): NAME}
    if field.name in close:
        hint = f"is it {close[field.name]!r}? Say "
        naming = {_said(f): close[f.name] for f in missing if f.name in close}
    first = (
        "" if table.columns is None else ". If the first row is data and not names, number the columns from 0"
    )
    shown, usual = listed(list(map(repr, present))), ", ".join(_usual(field, present))
    told = f"no column for the {field.name}: there are {shown}; expected one of {usual}, …; {hint}"
    return ColumnError((told, first), naming, path=path)


def _not_told(field: Field, present: Sequence[str], required: Sequence[Field], path: str) -> DataError:
    """Of a file without a row of names."""
    if len(present) < len(required):
        wanted = ", ".join(f.name for f in required)
        return DataError(f"expected columns of {wanted}; there is only one column", path=path, line=1)
    told = (
        f"the file has no row of names, and which of its {len(present)} columns is the {field.name} "
        "cannot be told; number them from 0, for example "
    )
    return ColumnError((told, ""), {_said(f): str(i) for i, f in enumerate(required)}, path=path)


def _alike(field: Field, present: Sequence[str]) -> str | None:
    """The first column whose name is nearly a usual one."""
    usual = list(map(plain, field.names))
    return next((c for c in present if get_close_matches(plain(c), usual, n=1, cutoff=0.75)), None)


def _usual(field: Field, present: Sequence[str]) -> list[str]:
    """Some usual names, Chinese ones where the file's own are."""
    ascii = all(map(str.isascii, present))
    return [name for name in field.names if ascii or not name.isascii()][:6] or list(field.names[:6])


def _said(field: Field) -> str:
    """As a person calls it."""
    return field.name if field.given else LABEL
