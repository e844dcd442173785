"""Plain text: a line for each example. Parallel text is two files, line for line, the source's first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from itertools import chain, islice, zip_longest
from typing import Any

from litebert.data.example import Example, Examples, Place
from litebert.data.files import File, is_stream, shown
from litebert.data.rows import by_name
from litebert.errors import DataError, InputError, UsageError
from litebert.tasks.task import Task

LETTERS = 1500
"""Characters of a line that is read as one text, where a file is nothing but text: longer ones are cut
between words."""


def is_plain(path: str, task: Task[Any, Any]) -> bool:
    """Whether a file holds lines of text for such a task: neither its name nor its start is a format's."""
    if not task.plain or is_stream(path) or by_name(path) is not None:
        return False
    with closing(File(path)) as file:
        start = file.start().removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    return b"\t" not in start and not re.match(rb'\s*(\{\s*"|\[\s*[\[{"]|\[\s*$)', start)


def together(paths: Sequence[str], task: Task[Any, Any]) -> Iterator[tuple[str, ...]]:
    """The files that are read together, as many as the task has fields in plain text. Raises `UsageError`."""
    size = len(task.plain)
    if len(paths) % size:
        raise UsageError(
            f"parallel text is {size} files, the source's first, as in --train train.en,train.de; "
            f"but {', '.join(paths)} {'is' if len(paths) == 1 else 'are'} {len(paths)}"
        )
    for start in range(0, len(paths), size):
        yield tuple(paths[start : start + size])


def read_plain(paths: Sequence[str], task: Task[Any, Any], limit: int | None = None) -> Examples[Any, Any]:
    """The examples of files that are read together. Raises `DataError`, also for one of another length."""
    rows = _parallel(paths, task) if len(paths) > 1 else _pieces(paths[0], task)
    examples = list(islice(rows, limit))
    if not examples:
        raise DataError("is empty; expected at least one line of text", path=shown(paths[0]))
    pairs = [f"{field} = {shown(path)}" for field, path in zip(task.plain, paths, strict=True)]
    empty = sum(not text.strip() for e in examples for text in _texts(e, task))
    notes = [f"plain text, a line for each example: {', '.join(pairs)}"]
    notes += [f"{empty} lines are empty, kept"] * (empty > 0)
    return Examples(examples, task, notes=tuple(notes))


def plain_file(names: tuple[str, ...], task: Task[Any, Any]) -> Callable[[], Examples[Any, Any]]:
    """Reads files of the data folder that are read together."""
    from litebert.data.source import data_file

    return lambda: read_plain([data_file(name) for name in names], task)


def plain_inputs(path: str, task: Task[Any, Any]) -> Iterator[Any | InputError]:
    """The Inputs of a file: a line is the first of the Input's fields."""
    name = fields(task.Input)[0].name
    with closing(File(path)) as file:
        for line, raw in file.raw_lines():
            try:
                yield task.Input(**{name: _bare(file.text(raw, line))})
            except DataError as error:
                yield InputError(error.message)


def _parallel(paths: Sequence[str], task: Task[Any, Any]) -> Iterator[Example[Any, Any]]:
    sides = [_lines(path) for path in paths]
    for texts in zip_longest(*sides):
        if None in texts:
            short = shown(paths[texts.index(None)])
            raise DataError(
                "has fewer lines than the other file; parallel text has a line for each of the other's",
                path=short,
            )
        values = dict(zip(task.plain, (text for _, text in texts), strict=True))
        yield _example(values, task, paths[0], texts[0][0])


def _pieces(path: str, task: Task[Any, Any]) -> Iterator[Example[Any, Any]]:
    for line, text in _lines(path):
        for part in cut(text.strip(), LETTERS):
            yield _example({task.plain[0]: part}, task, path, line)


def cut(text: str, letters: int) -> Iterator[str]:
    """The text in parts of at most so many characters, cut between words where it has any.

    >>> list(cut("one two three", 8))
    ['one two', 'three']
    """
    while len(text) > letters:
        space = text.rfind(" ", 1, letters + 1)
        end = space if space > 0 else letters
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if text:
        yield text


def _lines(path: str) -> Iterator[tuple[int, str]]:
    with closing(File(path)) as file:
        for line, text in file.lines():
            yield line, _bare(text)


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _example(values: Mapping[str, str], task: Task[Any, Any], path: str, line: int) -> Example[Any, Any]:
    given, wanted = (
        noun(**{f.name: values[f.name] for f in fields(noun) if f.name in values})
        for noun in (task.Input, task.Wanted or task.Output)
    )
    try:
        return Example(*task.exercise(given, wanted), Place(shown(path), line))
    except ValueError as error:
        raise DataError(str(error), path=shown(path), line=line) from None


def _texts(example: Example[Any, Any], task: Task[Any, Any]) -> Iterator[str]:
    sides = chain.from_iterable(((s, f.name) for f in fields(s)) for s in (example.given, example.wanted))
    return (getattr(side, name) for side, name in sides if name in task.plain)
