"""Characters that nobody sees: control characters, zero widths, directions, a mark of bytes amid a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from litebert.data.checking.check import Check, Line, Record
from litebert.data.checking.finding import Finding, Kind

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_UNSEEN = re.compile(
    f"[{_CONTROL}\x80-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
"""Not the joiners U+200C and U+200D, nor variants: Persian, Hindi and emoji are spelt with them."""
_REFUSED = re.compile(f"[{_CONTROL}]")
"""Those that JSON forbids, and NUL, which no format may hold."""


class Invisible(Check):
    """Whether there is anything that cannot be seen.

    Where a file says places in characters, nothing may be taken out: places would move.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {
        "invisible": Kind("characters that cannot be seen", "take them out"),
    }

    def line(self, line: Line) -> Iterator[Finding]:
        unseen = _REFUSED if line.is_json else _UNSEEN
        if found := unseen.findall(line.text):
            yield self.found("invisible", line.place, _told(found), mended=True)
            line.text = _without(line.text, unseen, keep=line.is_json)

    def cells(self, record: Record) -> Iterator[Finding]:
        """What a file of JSON holds, also what it writes as `\\u200b`."""
        found = [character for text in _texts(record.cells) for character in _UNSEEN.findall(text)]
        if not found:
            return
        fixed = not any(map(_has_places, record.cells.values()))
        yield self.found("invisible", record.place, _told(found), number=record.number, mended=fixed)
        if fixed:
            record.cells = {name: _clean(cell) for name, cell in record.cells.items()}


def _told(found: list[str]) -> str:
    names = dict.fromkeys(f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in found)
    return f"{len(found)} invisible: {', '.join(list(names)[:4])}"


def _without(text: str, unseen: re.Pattern[str], *, keep: bool) -> str:
    """keep: a space stands in the place of each, so that no place moves."""
    return unseen.sub(lambda match: _instead(match[0], keep=keep), text)


def _instead(character: str, *, keep: bool) -> str:
    """U+0080 to U+009F are letters and quotes of Windows-1252; what separates is a space."""
    if "\x80" <= character <= "\x9f":
        return bytes([ord(character)]).decode("cp1252", errors="ignore")
    return " " if keep or character in "\x0b\x0c\x1c\x1d\x1e\x1f\u2028\u2029" else ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _without(value, _UNSEEN, keep=False)
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _has_places(cell: Any) -> bool:
    """Whether there are whole numbers in a list or an object, which may be places in a text."""
    if isinstance(cell, dict | list):
        inside = list(cell.values()) if isinstance(cell, dict) else cell
        return any(type(one) is int or _has_places(one) for one in inside)
    return False
