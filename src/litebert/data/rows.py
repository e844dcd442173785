"""A file → its rows: the format by the end of its name, or by how it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import ModuleType
from typing import cast

from litebert import names
from litebert.data.files import File
from litebert.data.formats.table import Known, Table

FORMATS = "litebert.data.formats"
_USUAL = ("csv", "tsv", "jsonl", "json", "parquet", "fasttext", "conll")


@contextmanager
def opened(
    path: str,
    *,
    format: str | None = None,
    known: Known = Known(),  # noqa: B008 (frozen)
    likely: Sequence[str] = (),
    opens: Callable[[str], File] = File,
) -> Iterator[Table]:
    """The table in a file, `.gz` or not, or on standard input (`-`, as JSONL unless `format` says else).

    likely: formats that are asked first whether the file begins like one of theirs. opens: how the file is
    opened, by who reads on where something is wrong. Raises `DataError`, also
    while rows are read, and `UsageError` for a format that does not exist.
    """
    with closing(opens(path)) as file:
        module = names.find(FORMATS, format, "format") if format else format_of(file, path, likely)
        yield cast(Table, module.read(file, known))


def format_of(file: File, path: str, likely: Sequence[str] = ()) -> ModuleType:
    """The module of a file's format. Raises `DataError` if neither its name nor its start tells."""
    if (found := begun(file, likely)) is not None:
        return found
    if path == "-":
        return names.find(FORMATS, "jsonl", "format")
    if (found := by_name(path) or sniffed(file)) is not None:
        return found
    if not file.start().strip():
        raise file.error("is empty; expected rows of text")
    ends = ", ".join(names.find(FORMATS, name, "format").suffixes[0] for name in _USUAL)
    raise file.error(f"of what format is it? Name it by what is in it, with one of {ends} at the end", 1)


def begun(file: File, likely: Sequence[str]) -> ModuleType | None:
    """The first of these formats that the file begins like."""
    modules = (names.find(FORMATS, name, "format") for name in likely)
    start = file.start().decode(errors="ignore").removeprefix("\ufeff") if likely else ""
    return next((module for module in modules if module.begins(start)), None)


def by_name(path: str) -> ModuleType | None:
    """The format that the end of a path means."""
    ends = path.lower().removesuffix(".gz").removesuffix(".zip")
    modules = (names.find(FORMATS, name, "format") for name in names.known(FORMATS))
    return next((module for module in modules if ends.endswith(module.suffixes)), None)


def sniffed(file: File) -> ModuleType | None:
    """The format that a file begins like, whatever its name."""
    start = file.start().removeprefix(b"\xef\xbb\xbf").lstrip()
    line = start.partition(b"\n")[0]
    signs = {
        "parquet": start.startswith(b"PAR1"),
        "json": start.startswith(b"["),
        "jsonl": start.startswith(b"{"),
        "fasttext": b"__label__" in line,
        "tsv": b"\t" in line,
        "csv": b"," in line,
    }
    found = next((name for name, sign in signs.items() if sign), None)
    return None if found is None else names.find(FORMATS, found, "format")
