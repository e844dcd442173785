"""A source: a public data set by name, with its task and its splits. `sources/` holds them.

`folder.name` is the source `name` in `sources/folder.py`; `folder.name:split` one split of it. What they
read lies in the folder that the environment variable `LITEBERT_DATA` names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from litebert import names
from litebert.data.example import Examples
from litebert.data.fields import Convert, label
from litebert.data.files import archive_of, near
from litebert.data.reader import Edit, Only, read_file
from litebert.data.split import first_text, position
from litebert.errors import DataError, UsageError, nearest
from litebert.tasks.task import Task

SOURCES = "litebert.data.sources"
FOLDER = "LITEBERT_DATA"
DEV_SHARE = 0.1
"""What is split off for `dev` where a set comes without one."""

Read = Callable[[], Examples[Any, Any]]


@dataclass(frozen=True)
class Source:
    """A data set: what it is for, and how each split is read."""

    task: Task[Any, Any]
    splits: Mapping[str, Read]
    about: str
    """One line: what it is, and whose."""

    def read(self, split: str) -> Examples[Any, Any]:
        """The examples of a split. Raises `UsageError` for one that there is not."""
        if split not in self.splits:
            raise UsageError(nearest(split, self.splits, "split"))
        return self.splits[split]()


def by_hash(read: Read, share: float = DEV_SHARE) -> dict[str, Read]:
    """The splits of a set that comes in one piece: `dev` is a part by the hash of the text, `train` the rest,
    `all` everything in the order of the file."""

    def part(held: bool) -> Examples[Any, Any]:
        whole = read()
        rows = [e for e in whole if (position(first_text(e)) < share) is held]
        return replace(whole, rows=rows)

    return {"train": lambda: part(False), "dev": lambda: part(True), "all": read}


def from_file(
    name: str,
    task: Task[Any, Any],
    columns: Mapping[str, str],
    *,
    labels: Mapping[str, str] | None = None,
    edit: Edit | None = None,
    only: Only | None = None,
    format: str | None = None,
) -> Read:
    """Reads a file of the data folder. labels: what those in the file are called in words; only: which of
    its rows are of this split."""

    def read() -> Examples[Any, Any]:
        cells = {"label": in_words(labels)} if labels else None
        path = data_file(name)
        return read_file(path, task, columns=columns, cells=cells, edit=edit, only=only, format=format)

    return read


def in_words(labels: Mapping[str, str]) -> Convert:
    """From a label as a file has it to its name. Raises `ValueError` for another."""

    def convert(cell: Any) -> str:
        word = labels.get(label(cell))
        if word is None:
            raise ValueError(f"must be one of {', '.join(labels)}, but is {cell!r}")
        return word

    return convert


def data_file(name: str) -> str:
    """The path of a file in the data folder, `.gz` or not. Raises `UsageError` or `DataError`."""
    folder = os.environ.get(FOLDER)
    if not folder:
        raise UsageError(
            f"{FOLDER} is not set: it must name the folder of data sets that holds {name}, "
            f"for example: export {FOLDER}=~/data"
        )
    plain = Path(folder).expanduser() / name
    for path in (plain, plain.with_name(plain.name + ".gz")):
        if path.is_file() or archive_of(str(path)) is not None:
            return str(path)
    raise DataError(f"is not there, and no {plain.name}.gz; {FOLDER} is {folder}", path=plain)


def looks_like_one(name: str) -> bool:
    """Whether a name has the form of a source's."""
    return re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+(:\w*)?", name) is not None


def find(name: str) -> tuple[Source, str | None]:
    """A source by its name, and the split that the name asks for. Raises `UsageError` with the nearest."""
    whole, _, split = name.partition(":")
    folder, _, own = whole.rpartition(".")
    if "." not in folder and folder not in names.known(SOURCES):
        raise _unknown(whole)
    source = getattr(names.find(SOURCES, folder, "source"), own, None)
    if not isinstance(source, Source):
        raise _unknown(whole)
    return source, split or None


def known() -> list[str]:
    """All sources by name."""
    modules = {
        folder: import_module(f"{SOURCES}.{folder.replace('-', '_')}") for folder in names.known(SOURCES)
    }
    return sorted(
        f"{folder}.{name}"
        for folder, module in modules.items()
        for name, thing in vars(module).items()
        if isinstance(thing, Source)
    )


def _unknown(name: str) -> UsageError:
    if hint := near(Path(name)):
        return UsageError(f"{name}: there is no such file{hint} No source is named so either")
    return UsageError(f"there is no such file, and {nearest(name, known(), 'source')}")
