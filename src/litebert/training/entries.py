"""The entries of a mixture: tasks, each with data of its own, that are learnt on one encoder.

Plain data, no torch, so that `--help` is quick. An entry is `SOURCE` or `TASK=DATA` on a command line, a
table in a TOML file, an `Entry` in Python.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from litebert.errors import ColumnError, DataError, LitebertError, UsageError, first_fault, nearest

TOML = ".toml"
MOST_REPEATS = 10_000
"""An epoch's turns are all laid out at once."""
_NAMED = re.compile(r"(?P<task>[^\W\d][\w.-]*)=(?P<train>.+)", re.DOTALL)
_NAME = re.compile(r"\w[\w.-]{0,99}")
"""What an entry may be called: a folder is."""


@dataclass(frozen=True)
class Entry:
    """One task of several, and what it is learnt from. Raises `UsageError` for a value that cannot be meant.

    >>> Entry("clue.tnews"), Entry("mails.csv", task="classification", dev="mails.dev.csv")
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    train: str
    """A file, several with commas, or a source such as glue.sst2."""
    task: str | None = None
    """Its name; a source knows its own."""
    name: str = ""
    """What the head is called in the run's folder; left out, as the source or the file."""
    dev: str | None = None
    """What it is judged by; left out, the source's own, or a tenth split off by hash."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which columns to read: each field's, such as text or label."""
    repeats: int | None = None
    """How often an epoch goes through its data; left out, by the mixture's temperature."""
    where: str = field(default="", compare=False, repr=False)
    """The file and table that it was read from, for what is wrong with it."""

    def __post_init__(self) -> None:
        if self.repeats is not None and not 1 <= self.repeats <= MOST_REPEATS:
            raise UsageError(
                f"repeats of {self.train} must be at least 1 and at most {MOST_REPEATS:,}, "
                f"but is {self.repeats}"
            )
        if self.name and not _NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} cannot be an entry's name: use letters, digits, - _ and .")


def parsed(given: str) -> Entry:
    """`TASK=DATA`, or a source alone.

    >>> parsed("similarity=pairs.csv")
    Entry(train='pairs.csv', task='similarity', name='', dev=None, options=(), columns={}, repeats=None)
    """
    found = None if Path(given).exists() else _NAMED.fullmatch(given)
    return Entry(found["train"], found["task"]) if found else Entry(given)


def as_entries(given: Any) -> tuple[Entry, ...]:
    """Entries from what a person gives: one or several, each as text or an `Entry`. Raises `UsageError`."""
    several = [given] if isinstance(given, str | Entry | Mapping) else given
    return tuple(_as_entry(one) for one in several)


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The entries of a TOML file, a table each, called as the table is. Raises `DataError`."""
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=path) from None
    except ValueError as error:
        raise DataError(f"is not TOML: {error}", path=path) from None
    except RecursionError:
        raise DataError("is nested too deep", path=path) from None
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise DataError(f"must hold a table for each task, such as {_EXAMPLE}", path=path)
    return tuple(
        replace(_of_table(path, name, table), where=f"{path}: [{name}]") for name, table in tables.items()
    )


@contextmanager
def told_of(entry: Entry, *, flags: bool = False) -> Iterator[None]:
    """What is found wrong with an entry's data, task or options is told with where it was read.

    flags: whether the command's own flags are about this entry; any other's columns are named in a table.
    """
    try:
        yield
    except ColumnError as error:
        if flags:
            raise
        table = f"{entry.where}: " if entry.where else "this needs a table in a TOML file: "
        raise DataError(f"{table}{error.in_table()}") from error
    except LitebertError as error:
        if not entry.where:
            raise
        raise type(error)(f"{entry.where}: {error}", code=error.code) from error


def called(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entries by their names, each another: as it was called, or by its data, or data and task.

    Raises `UsageError` for two of one name that was given.
    """
    ways = (_short, _long)
    for way in ways:
        names = [entry.name or way(entry) for entry in entries]
        if len({name.casefold() for name in names}) == len(names):
            return {name: replace(entry, name=name) for name, entry in zip(names, entries, strict=True)}
    folded = [name.casefold() for name in names]
    twice = next(name for name in names if folded.count(name.casefold()) > 1)
    places = [e.where for e, name in zip(entries, folded, strict=True) if name == twice.casefold()]
    how = "give one another name" if any(places) else "write them as tables of a TOML file, which has names"
    raise UsageError(f"two entries would be called {twice}{_listed(places)}: {how}")


def _listed(places: Sequence[str]) -> str:
    known = list(filter(None, places))
    return f" ({', '.join(known)})" if known else ""


def _as_entry(given: Any) -> Entry:
    if isinstance(given, Entry):
        return given
    if isinstance(given, Mapping):
        return _validated(given)
    if isinstance(given, str):
        return parsed(given)
    raise UsageError(f"an entry is a text such as similarity=pairs.csv, or an Entry; this is {given!r}")


def _of_table(path: Path, name: str, table: Mapping[str, Any]) -> Entry:
    try:
        return _validated({"name": name, **table})
    except UsageError as error:
        raise DataError(f"[{name}]: {error.message}", path=path) from None


def _validated(given: Mapping[str, Any]) -> Entry:
    from pydantic import TypeAdapter, ValidationError

    known = [one.name for one in fields(Entry) if one.name != "where"]
    if odd := next((key for key in given if key not in known), None):
        raise UsageError(nearest(odd, known, "key of an entry"))
    try:
        return TypeAdapter(Entry).validate_python(given)
    except ValidationError as error:
        where, what = first_fault(error)
        raise UsageError(f"{where}: {_in_toml(what.lower())}") from None


def _in_toml(what: str) -> str:
    """Python's nouns as TOML has them."""
    return what.replace("tuple", "array, [ … ]").replace("dictionary", "table, { … }")


def _short(entry: Entry) -> str:
    """tnews for clue.tnews:train; mails for data/mails.csv.gz."""
    first = entry.train.partition(",")[0]
    whole = Path(first).name.partition(":")[0]
    parts = whole.split(".")
    source = "/" not in first and len(parts) == 2 and not Path(first).exists()
    return _cleaned(parts[1] if source else parts[0])


def _long(entry: Entry) -> str:
    """The same, with the folder or the task before it."""
    before = entry.task or Path(entry.train).name.partition(".")[0]
    return _cleaned(f"{before}-{_short(entry)}")


def _cleaned(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "task"


_EXAMPLE = '[mails], and in it train = "mails.csv" and task = "classification"'
