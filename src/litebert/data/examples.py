"""Files and sources → examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from litebert.data import source
from litebert.data.example import Example, Examples, Place
from litebert.data.plain import is_plain, read_plain, together
from litebert.data.reader import read_file
from litebert.data.rows import by_name
from litebert.errors import DataError, UsageError
from litebert.tasks.task import Task

__all__ = ["Example", "Examples", "Place", "Where", "read", "sibling"]

Where = str | Path | Sequence[str | Path]
"""Files, `-` and sources: one, several, or a string of several with commas between them."""


def read(
    where: Where,
    task: Task[Any, Any] | None = None,
    *,
    fit: bool = False,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    split: Sequence[str] = ("train",),
    limit: int | None = None,
) -> Examples[Any, Any]:
    """All examples, checked against the task: its types and, once it is fitted, its labels.

    task: may be left out for a source, which has its own. fit: fill in the task from these examples, as for
    training; else they must be such as the task knows. split: the splits that may stand for a source named
    without one; the first that it has does. limit: at most so many examples of each file.

    Raises `DataError` with the place of what is wrong, `UsageError` for a name, a column or a task that is.
    """
    lines = [] if columns or format or task is None else _plain(_several(where), task)
    parts = [
        _source(name, task, split, limit)
        if _is_source(name)
        else read_file(name, _needed(task, name), columns=columns, format=format, limit=limit)
        for name in _several(where)
        if name not in lines
    ]
    if task is not None and lines:
        parts += [read_plain(files, task, limit) for files in together(lines, task)]
    if (columns or format) and all(map(_is_source, _several(where))):
        raise UsageError(
            f"{where} is a source, which knows its columns and its format; leave those flags out"
        )
    examples = _together(parts, task)
    if fit:
        examples = _fitted(examples, ", ".join(_several(where)))
    return replace(examples, notes=(*examples.notes, *_check(examples, fit)))


def sibling(where: Where, split: str) -> str | None:
    """The same sources at another split: `glue.sst2:dev` for `glue.sst2`.

    None if there is a file among them, a source without that split, or one of which it is a part (`all`).
    """
    found = []
    for name in _several(where):
        if not _is_source(name):
            return None
        one, asked = source.find(name)
        if split not in one.splits or asked in (split, "all"):
            return None
        found.append(f"{name.partition(':')[0]}:{split}")
    return ",".join(found)


def task_of(where: Where) -> Task[Any, Any] | None:
    """What the first source is for; None if it is a file."""
    name = _several(where)[0]
    return source.find(name)[0].task if _is_source(name) else None


def _several(where: Where) -> list[str]:
    if not isinstance(where, str):
        return [str(where)] if isinstance(where, Path) else [str(one) for one in where]
    if _exists(where):
        return [where]
    return [name.strip() for name in where.split(",") if name.strip()] or [where]


def _plain(names: Sequence[str], task: Task[Any, Any]) -> list[str]:
    """Those that are files of nothing but lines of text."""
    return [name for name in names if not _is_source(name) and is_plain(name, task)]


def _exists(name: str) -> bool:
    with suppress(OSError):  # too long for a name
        return Path(name).exists()
    return False


def _is_source(name: str) -> bool:
    return source.looks_like_one(name) and not _exists(name) and by_name(name) is None


def _needed(task: Task[Any, Any] | None, name: str) -> Task[Any, Any]:
    if task is None:
        raise UsageError(f"what is {name} for? Say --task; only a source knows its own")
    return task


def _source(
    name: str, task: Task[Any, Any] | None, split: Sequence[str], limit: int | None
) -> Examples[Any, Any]:
    found, asked = source.find(name)
    usual = next((one for one in split if one in found.splits), split[0])
    if task is not None and type(task) is not type(found.task):
        raise UsageError(f"{name} is for the task {found.task.name}, not {task.name}")
    examples = found.read(asked or usual)
    return replace(
        examples,
        rows=examples.rows[:limit],
        task=found.task if task is None else _filled(task, found.task),
    )


def _filled(task: Task[Any, Any], own: Task[Any, Any]) -> Task[Any, Any]:
    """The task with what it leaves at its default taken from the source's own."""
    changes = {
        field.name: getattr(own, field.name)
        for field in fields(task)
        if getattr(task, field.name) == field.default
    }
    return replace(task, **changes)


def _together(parts: Sequence[Examples[Any, Any]], task: Task[Any, Any] | None) -> Examples[Any, Any]:
    """One set of several, for the task that they all are for, or else for the one that was asked."""
    first = parts[0]
    alike = all(part.task == first.task for part in parts)
    if not alike and task is None:
        raise UsageError("these sets have different labels or tasks; say --task to join them")
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    return Examples(
        [example for part in parts for example in part],
        first.task if alike or task is None else task,
        first.columns,
        tuple(note for part in parts for note in part.notes),
        counts,
    )


def _fitted(examples: Examples[Any, Any], name: str) -> Examples[Any, Any]:
    try:
        return replace(examples, task=examples.task.fit([example.wanted for example in examples]))
    except DataError as error:
        raise DataError(error.message, path=name) from None


def _check(examples: Examples[Any, Any], fit: bool) -> list[str]:
    """What there is to say of labels that the task does not know, where it is judged by them all the same."""
    check, lenient = examples.task.check, examples.task.judges_unknown and not fit
    remarks: dict[str, str] = {}
    for example in examples:
        try:
            check(example.wanted)
        except DataError as error:
            if not lenient:
                raise example.place.error(error.message) from None
            remarks.setdefault(error.message, f"{example.place}: {error.message}; it counts as missed")
    return list(remarks.values())
