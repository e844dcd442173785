"""CoNLL-U: ten columns between tabs, a token a line, a blank line after each sentence, comments after `#`.

A sentence's columns are lists: `tokens`, `lemmas`, `upos`, `xpos`, `deprels`. Numbers such as `1-2` (a word
as written, whose parts follow) and `1.1` (a word that is not written) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".conllu",)
COLUMNS = {"tokens": 1, "lemmas": 2, "upos": 3, "xpos": 4, "deprels": 7}

_NUMBER = re.compile(r"[0-9]+([-.][0-9]+)?")
_LEAST = 8


@dataclass(frozen=True)
class Sentence:
    """The lines of one sentence's tokens, cut at tabs, and the number of the first."""

    line: int
    tokens: list[list[str]]

    def column(self, number: int) -> list[str]:
        return [token[number] for token in self.tokens]


def begins(start: str) -> bool:
    """Whether the first line that is no comment is a numbered token's, between tabs."""
    line = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    cells = line.split("\t")
    return len(cells) >= _LEAST and cells[0] == "1"


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (the columns are fixed)
    """A row for each sentence. Raises `DataError`."""
    return Table(_rows(file), tuple(COLUMNS), lined=True)


def sentences(file: File) -> Iterator[Sentence]:
    """The sentences of a file. Raises `DataError` for a line that is none of a token."""
    tokens: list[list[str]] = []
    first = width = 0
    for number, text in file.lines():
        line = text.rstrip("\r\n")
        if line.startswith("#"):
            continue
        if not line.strip():
            if tokens:
                yield Sentence(first, tokens)
            tokens = []
            continue
        cells = line.split("\t")
        width = width if tokens else len(cells)
        _check(file, cells, width, number)
        if "-" not in cells[0] and "." not in cells[0]:
            first = first if tokens else number
            tokens.append(cells)
    if tokens:
        yield Sentence(first, tokens)


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    for sentence in sentences(file):
        yield sentence.line, {name: sentence.column(number) for name, number in COLUMNS.items()}


def _check(file: File, cells: list[str], width: int, line: int) -> None:
    if not _NUMBER.fullmatch(cells[0]):
        raise file.error(
            f"{cells[0]!r} is no number of a token; expected CoNLL-U's columns, tabs between", line
        )
    if len(cells) < _LEAST or len(cells) != width:
        told = f"{width}, as in the sentence's first line" if len(cells) >= _LEAST else f"{_LEAST} or more"
        raise file.error(f"{len(cells)} column{'s' * (len(cells) != 1)}; expected {told}", line)
    if not cells[1]:
        raise file.error("the token is empty", line)
