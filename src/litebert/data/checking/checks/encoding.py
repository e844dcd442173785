"""Lines that are not UTF-8, that were decoded wrongly before they were written, or that lost characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from litebert.data.checking.check import Check, Line, Study, shown
from litebert.data.checking.finding import Finding, Kind

_LEFT = bytes(range(0x80, 0xA0)).decode("cp1252", errors="replace").replace("\ufffd", "")
_FOLLOWS = f"[\u0080-\u00bf{_LEFT}]"
_WRONG = re.compile(
    f"[\u00c2-\u00df]{_FOLLOWS}|[\u00e0-\u00ef]{_FOLLOWS}{{2}}|[\u00f0-\u00f4]{_FOLLOWS}{{3}}"
)
"""What a character of UTF-8 looks like that was read as Windows-1252."""
_LOST = re.compile("\ufffd+|(锟斤拷?)+|(烫烫)+烫?")


class Encoding(Check):
    """Whether each line is UTF-8, and whether it always was."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "encoding": Kind("a line that is not UTF-8", "write the file in UTF-8: iconv -t utf-8", True),
        "mojibake": Kind("UTF-8 that was read as Windows-1252 (`cafÃ©`)", "decode it anew"),
        "lost": Kind("characters that a conversion lost (U+FFFD, `锟斤拷`)", "go back to the original"),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.seen: Counter[str] = Counter()
        """Lines that are not ASCII, by what they are in."""

    def line(self, line: Line) -> Iterator[Finding]:
        if line.was is not None:
            self.seen[line.was] += 1
            yield self.found("encoding", line.place, f"is {line.was}: {_shown(line.text)}", mended=True)
        elif not line.text.isascii():
            self.seen["utf-8"] += 1
        if line.text.isascii():
            return
        mended = _WRONG.sub(_right, line.text)
        if mended != line.text:
            at = next(i for i, (a, b) in enumerate(zip(line.text, mended, strict=False)) if a != b)
            was, now = shown(line.text[at : at + 20].rstrip()), shown(mended[at : at + 20].rstrip())
            # Places in a file of JSON were counted with the wrong characters.
            yield self.found("mojibake", line.place, f"{was} should be {now}", mended=not line.is_json)
            line.text = line.text if line.is_json else mended
        if lost := _LOST.search(line.text):
            around = line.text[max(0, lost.start() - 20) : lost.end() + 20].strip()
            yield self.found("lost", line.place, f"a character is lost in {shown(around)}")

    def summary(self) -> dict[str, Any]:
        return {"encodings": dict(self.seen)} if self.seen - Counter({"utf-8": self.seen["utf-8"]}) else {}


def _right(wrong: re.Match[str]) -> str:
    """The character that was meant, if there is one."""
    try:
        return b"".join(map(_byte, wrong[0])).decode()
    except UnicodeError:
        return wrong[0]


def _byte(character: str) -> bytes:
    return bytes([ord(character)]) if ord(character) < 0x100 else character.encode("cp1252")


def _shown(line: str) -> str:
    """A line about its first character that is not ASCII."""
    at = next((i for i, character in enumerate(line) if ord(character) > 127), 0)
    return shown(line[max(0, at - 20) : at + 20].strip())
