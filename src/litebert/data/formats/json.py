"""JSON: an array of objects. A file that begins with an object is read as JSONL (as CLUE's `.json` are)."""

from __future__ import annotations

import json as standard
from collections.abc import Container, Iterator, Mapping
from typing import Any

from litebert import strict_json
from litebert.data.files import File
from litebert.data.formats import jsonl
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".json",)


def read(file: File, known: Known) -> Table:
    """The objects of the array, or of the lines. Raises `DataError`."""
    start = file.start().removeprefix(b"\xef\xbb\xbf").lstrip()
    return jsonl.read(file, known) if start.startswith(b"{") else Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    yield from array(file)


def array(file: File, under: str | None = None, of: type[Any] = dict) -> Iterator[tuple[int, Any]]:
    """What a file's array holds, each with its line: objects, or arrays (`of=list`).

    under: the key of an object that holds the array. Raises `DataError`.
    """
    text = file.whole_text()
    seen = _Places(text)
    at = strict_json.skip(text, 0)
    if under is not None:
        at = _under(file, text, at, seen, under)
    if text[at : at + 1] != "[":
        raise file.error(f"expected an array of {_KINDS[of]}", *seen.place(at))
    at = strict_json.skip(text, at + 1)
    while text[at : at + 1] != "]":
        line = seen.line_at(at)
        value, end = _value(file, text, at, seen)
        if not isinstance(value, of):
            what = f"expected {_KIND[of]}, but this is {strict_json.kind(value)}"
            raise file.error(what, *seen.place(at))
        yield line, value
        at = _next(file, text, strict_json.skip(text, end), seen)
    after = strict_json.skip(text, at + 1)
    if under is None and after < len(text):
        raise file.error("more text after the end of the array", *seen.place(after))


_KINDS: dict[type[Any], str] = {dict: "objects, [{…}, …]", list: "arrays, [[…], …]"}
_KIND: dict[type[Any], str] = {dict: "an object, {…}", list: "an array, […]"}


def _under(file: File, text: str, at: int, seen: _Places, key: str) -> int:
    """The place of the value of a key of the object that begins at `at`."""
    at = strict_json.skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, end = _value(file, text, at, seen)
        at = strict_json.skip(text, end)
        if text[at : at + 1] != ":":
            raise file.error("expected : after a key", *seen.place(at))
        at = strict_json.skip(text, at + 1)
        if name == key:
            return at
        _, end = _value(file, text, at, seen)
        at = strict_json.skip(text, end)
        if text[at : at + 1] == ",":
            at = strict_json.skip(text, at + 1)
    raise file.error(f"expected an object with an array under {key!r}", *seen.place(at))


def _value(file: File, text: str, at: int, seen: _Places) -> tuple[Any, int]:
    try:
        return strict_json.value_at(text, at)
    except strict_json.JsonError as fault:
        place = seen.place(at if fault.at is None else fault.at)
        raise file.error(f"not JSON: {fault.message}", *place) from None


def _next(file: File, text: str, at: int, seen: _Places) -> int:
    """The place of the next value, or of the array's end."""
    if text[at : at + 1] == "]":
        return at
    if text[at : at + 1] != ",":
        what = (
            "is cut short: the array does not end" if at >= len(text) else "expected , or ] after an object"
        )
        raise file.error(what, *seen.place(at))
    return strict_json.skip(text, at + 1)


class _Places:
    """Line and column of places in a text that are asked for in rising order."""

    def __init__(self, text: str) -> None:
        self.text, self.line, self.at = text, 1, 0

    def line_at(self, at: int) -> int:
        self.line += self.text.count("\n", self.at, at)
        self.at = at
        return self.line

    def place(self, at: int) -> tuple[int, int]:
        return self.line_at(at), at - self.text.rfind("\n", 0, at)


def put(text: str, dropped: Container[int], cells: Mapping[int, Cells]) -> str:
    """The array without some of its objects, counted from 0, and with other cells in others; one a line."""
    rows = strict_json.loads(text.removeprefix("\ufeff"))
    kept = [{**row, **cells.get(number, {})} for number, row in enumerate(rows) if number not in dropped]
    return "[\n" + ",\n".join(standard.dumps(row, ensure_ascii=False) for row in kept) + "\n]\n"
