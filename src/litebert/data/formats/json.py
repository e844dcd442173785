"""JSON: an array of objects. A file that begins with an object is read as JSONL (as CLUE's `.json` are)."""

from __future__ import annotations

from collections.abc import Iterator

from litebert.data import strict_json
from litebert.data.files import File
from litebert.data.formats import jsonl
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".json",)


def read(file: File, known: Known) -> Table:
    """The objects of the array, or of the lines. Raises `DataError`."""
    start = file.start().removeprefix(b"\xef\xbb\xbf").lstrip()
    return jsonl.read(file, known) if start.startswith(b"{") else Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    text = file.whole_text()
    seen = _Places(text)
    at = strict_json.skip(text, 0)
    if text[at : at + 1] != "[":
        raise file.error("expected an array of objects, [{…}, …]", *seen.place(at))
    at = strict_json.skip(text, at + 1)
    while text[at : at + 1] != "]":
        line = seen.line_at(at)
        try:
            value, end = strict_json.value_at(text, at)
        except strict_json.JsonError as fault:
            place = seen.place(at if fault.at is None else fault.at)
            raise file.error(f"not JSON: {fault.message}", *place) from None
        if not isinstance(value, dict):
            raise file.error(
                f"expected an object, {{…}}, but this is {strict_json.kind(value)}", *seen.place(at)
            )
        yield line, value
        at = _next(file, text, strict_json.skip(text, end), seen)
    after = strict_json.skip(text, at + 1)
    if after < len(text):
        raise file.error("more text after the end of the array", *seen.place(after))


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
