"""CoNLL's columns: a token and its tags a line, white space between them, a blank line after each sentence.

The first column is `tokens`, the last `tags`, those between are numbered from 1. A line of `-DOCSTART-`
begins a document and is no sentence. Between tabs a token may hold spaces. Where all tokens are a character
and a digit, as in Weibo's (Peng & Dredze 2015), the digit is its place in a word and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".bmes", ".ner")
TOKENS, TAGS = "tokens", "tags"

_DOCUMENT = "-DOCSTART-"
_TAG = re.compile(r"O|[BIESMLU]-\S+")
_PLACED = re.compile(r".[0-9]", re.DOTALL)
_LOOKED_AT = 100


def begins(start: str) -> bool:
    """Whether the first lines are tokens with tags of entities or chunks."""
    lines = start[: start.rfind("\n") + 1].splitlines()[:_LOOKED_AT]
    rows = [cells for line in lines if (cells := _cells(line)) and cells[0] != _DOCUMENT]
    return bool(rows) and all(len(row) == len(rows[0]) > 1 and _TAG.fullmatch(row[-1]) for row in rows)


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (there are no names)
    """A row for each sentence, with a list of cells in each column. Raises `DataError`."""
    sentences = _sentences(file)
    sample = list(islice(sentences, _LOOKED_AT))
    if not sample:
        raise file.error("is empty; expected a token and its tags on each line")
    columns = (TOKENS, *map(str, range(1, len(sample[0][1][0]) - 1)), TAGS)
    placed = all(_PLACED.fullmatch(cells[0]) for _, tokens in sample for cells in tokens)
    rows = _rows(file, chain(sample, sentences), columns)
    return Table(_unplaced(rows) if placed else rows, columns, lined=True)


def _unplaced(rows: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    for line, cells in rows:
        yield line, cells | {TOKENS: [token[:1] for token in cells[TOKENS]]}


def _rows(
    file: File, sentences: Iterator[tuple[int, list[list[str]]]], columns: tuple[str, ...]
) -> Iterator[tuple[int, Cells]]:
    for line, tokens in sentences:
        ragged = next((place for place, cells in enumerate(tokens) if len(cells) != len(columns)), None)
        if ragged is not None:
            file.unreadable(file.error(_ragged(len(tokens[ragged]), len(columns)), line + ragged))
            continue
        yield line, dict(zip(columns, map(list, zip(*tokens, strict=True)), strict=True))


def _ragged(found: int, expected: int) -> str:
    return (
        f"{found} column{'s' * (found != 1)}; expected {expected}, as in the first "
        "line: a token and its tags, and a blank line after each sentence"
    )


def _sentences(file: File) -> Iterator[tuple[int, list[list[str]]]]:
    """The cells of each sentence's lines, and the first one's number."""
    tokens: list[list[str]] = []
    number = 0
    for number, text in file.lines():
        cells = _cells(text)
        if cells and cells[0] != _DOCUMENT:
            if len(cells) == 1 and not tokens:
                raise file.error(f"only {cells[0]!r}; expected a token and its tags", number)
            tokens.append(cells)
        elif tokens:
            yield number - len(tokens), tokens
            tokens = []
    if tokens:
        yield number - len(tokens) + 1, tokens


def _cells(line: str) -> list[str]:
    """Empty for a blank line."""
    plain = line.rstrip("\r\n")
    return plain.split("\t") if "\t" in plain else plain.split()
