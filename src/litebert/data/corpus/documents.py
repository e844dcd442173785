"""A slice of a file → the documents that begin in it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from litebert import strict_json
from litebert.data.corpus.plan import Slice
from litebert.data.corpus.settings import Form
from litebert.data.corpus.sources import Source
from litebert.data.files import MAX_LINE, File
from litebert.errors import DataError
from litebert.strict_json import JsonError

_DOC = re.compile(r"\s*<doc\s[^>]*>\s*$")
_TITLE = re.compile(r'\stitle="([^"]*)"')
_BLOCK = 1 << 20


@dataclass(slots=True)
class Document:
    """One document as it stands in the file.

    line: the number of its first line, counted from the slice's first as 1. is_whole: False if it was longer
    than the limit, and was not kept.
    """

    line: int
    title: str = ""
    lines: list[str] = field(default_factory=list)
    size: int = 0
    is_whole: bool = True

    def add(self, line: str, limit: int) -> None:
        self.size += len(line)
        if self.size > limit:
            self.is_whole = False
            self.lines.clear()
        else:
            self.lines.append(line)


class Reader:
    """The documents of a slice. `lines`, once they are read, is how many lines begin in it.

    Iterating raises `DataError` with file and line for what is not UTF-8, not JSON or not a text.
    """

    def __init__(self, source: Source, part: Slice, limit: int) -> None:
        self.source, self.part, self.limit = source, part, limit
        self.end = part.end if not source.packed else 1 << 62
        self.lines = 0

    def __iter__(self) -> Iterator[Document]:
        file = File(str(self.source.path))
        try:
            if self.part.begin:  # Only a plain file is cut, so this is one.
                file.stream = io.BufferedReader(io.FileIO(self.source.path), _BLOCK)
                file.stream.seek(self.part.begin - 1)
            yield from _FORMS[self.source.form](self, file)
        finally:
            file.close()

    def texts(self, file: File) -> Iterator[tuple[bool, int, str]]:
        """Lines to the end of the file: whether each begins in the slice, its number from 1, and itself."""
        at = self.part.begin
        raw_lines = file.raw_lines()
        if (
            at
        ):  # The rest of a line that began before. It is one line end alone if the slice begins with a line.
            at += sum(len(raw) for _, raw in _first(raw_lines)) - 1
        for number, (_, raw) in enumerate(raw_lines, start=1):
            is_mine = at < self.end
            self.lines += is_mine
            yield is_mine, number, self._decoded(file, raw, number)
            at += len(raw)

    def _decoded(self, file: File, raw: bytes, number: int) -> str:
        try:
            if len(raw) <= MAX_LINE:
                return raw.decode()
        except UnicodeDecodeError:
            pass
        return file.text(raw, self.before() + number)  # It says what is wrong, and where.

    def before(self) -> int:
        """How many lines begin before the slice. It reads the file up to there: for complaints only."""
        with self.source.path.open("rb") as file:
            left, count, last = self.part.begin, 0, b"\n"
            while left and (block := file.read(min(left, _BLOCK))):
                left -= len(block)
                count += block.count(b"\n")
                last = block[-1:]
        return count + (last != b"\n")


def _first(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for line in lines:
        yield line
        return


def _blank_separated(reader: Reader, file: File) -> Iterator[Document]:
    """A document belongs where the blank line before it begins, or, the file's first one, at the start."""
    document: Document | None = None
    is_open = reader.part.begin == 0
    for is_mine, number, text in reader.texts(file):
        if text and not text.isspace():
            if is_open:
                document = document or Document(number)
                document.add(text, reader.limit)
            elif not is_mine:
                return
            continue
        if document:
            yield document
        document, is_open = None, is_mine
        if not is_mine:
            return
    if document:
        yield document


def _one(reader: Reader, file: File) -> Iterator[Document]:
    document = Document(1)
    for _, _, text in reader.texts(file):
        document.add(text, reader.limit)
    yield document


def _wiki(reader: Reader, file: File) -> Iterator[Document]:
    """WikiExtractor: `<doc id="…" url="…" title="…">`, the title, the text, `</doc>`."""
    document: Document | None = None
    for is_mine, number, text in reader.texts(file):
        head = _DOC.match(text) if text.lstrip().startswith("<doc") else None
        if document and (head or text.strip() == "</doc>"):
            yield document
            document = None
        elif head is None and document:
            document.add(text, reader.limit)
        if not is_mine and not document:
            return
        if head:
            title = _TITLE.search(text)
            document = Document(number, title=title[1] if title else "")
    if document:
        yield document


def _jsonl(reader: Reader, file: File) -> Iterator[Document]:
    for is_mine, number, text in reader.texts(file):
        if not is_mine:
            return
        if text.isspace():
            continue
        document = Document(number)
        document.add(_json_text(reader, number, text), reader.limit)
        yield document


def _json_text(reader: Reader, number: int, line: str) -> str:
    problem, column = 'the line must be a JSON object {"text": "…"}', None
    try:
        row = strict_json.loads(line.removeprefix("\ufeff"))
        if isinstance(row, dict) and isinstance(row.get("text"), str):
            return str(row["text"])
        if isinstance(row, dict):
            problem += f", but it has {', '.join(map(repr, row)) or 'nothing'}"
            problem += " and 'text' is no string" if "text" in row else ""
    except JsonError as error:
        problem, column = f"is not JSON: {error.message}", None if error.at is None else error.at + 1
    raise DataError(problem, path=reader.source.path, line=reader.before() + number, column=column)


_FORMS: dict[Form, Callable[[Reader, File], Iterator[Document]]] = {
    "blank-line": _blank_separated,
    "file": _one,
    "wiki": _wiki,
    "jsonl": _jsonl,
}
