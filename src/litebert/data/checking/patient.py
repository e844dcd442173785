"""A file that is read to its end, whatever is wrong with its lines."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from litebert.data.checking.check import Line
from litebert.data.example import Place
from litebert.data.files import MAX_LINE, File
from litebert.errors import DataError

_HIGH = re.compile(rb"[\x80-\xff]+")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Patient(File):
    """Each line is decoded as well as can be, and heard of, and mended, before any format sees it."""

    def __init__(self, path: str, hears: Callable[[Line], None], misses: Callable[[DataError], None]) -> None:
        """hears: has each line, once, and may mend it. misses: hears of each row that cannot be read."""
        super().__init__(path)
        self.hears, self.misses = hears, misses
        start = self.start()
        self.is_json = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
        self.was = _MARKS.get(start[:2])
        if self.was is not None:
            text = self.whole().decode(self.was, errors="replace").removeprefix("\ufeff")
            self.stream = io.BufferedReader(io.BytesIO(text.encode(errors="replace")))

    def unreadable(self, error: DataError) -> None:
        self.misses(error)

    def text(self, raw: bytes, line: int) -> str:
        if len(raw) > MAX_LINE:
            self.misses(self.error(f"the line is longer than {MAX_LINE >> 20} MB", line))
            return "\n"
        text, was = decoded(raw)
        heard = Line(
            Place(self.path, line),
            text.removeprefix("\ufeff") if line == 1 else text,
            was or self.was,
            self.is_json,
        )
        self.hears(heard)
        return heard.text

    def whole_text(self) -> str:
        lines = self.whole().split(b"\n")
        ends = [b"\n"] * (len(lines) - 1) + [b""]
        return "".join(
            self.text(line + end, at) for at, (line, end) in enumerate(zip(lines, ends, strict=True), 1)
        )


def decoded(raw: bytes) -> tuple[str, str | None]:
    """A line's text, and what it was in if that was not UTF-8.

    Chinese in GB 18030 has its high bytes in even runs; in the encodings of Western Europe they stand alone
    between letters.

    >>> decoded("很好".encode("gb18030")), decoded("café au lait".encode("cp1252"))
    (('很好', 'gb18030'), ('café au lait', 'cp1252'))
    """
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        runs = [len(run) for run in _HIGH.findall(raw)]
    if sum(run for run in runs if run % 2 == 0) > sum(runs) / 2:
        try:
            return raw.decode("gb18030"), "gb18030"
        except UnicodeDecodeError:
            pass
    return "".join(bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in raw), "cp1252"
