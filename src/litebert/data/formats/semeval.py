"""SemEval-2010 task 8's text: a number, a tab and a marked sentence in quotes; a line with the relation; one
with a comment; and a blank one. In a file without relations there is one sentence a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table

suffixes = ()

_SENTENCE = re.compile(r'\s*([0-9]+)\t"?(.*<e1>.*?)"?\s*', re.DOTALL)
_RELATION = re.compile(r"[^\s:]+(\(e[12],e[12]\))?")
_COMMENT = "comment"


def begins(start: str) -> bool:
    """Whether the first line is a number, a tab and a marked sentence."""
    lines = start.lstrip().splitlines()
    return bool(lines) and _SENTENCE.fullmatch(lines[0]) is not None and "</e2>" in lines[0]


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (the columns are fixed)
    """Rows of `text` and, where it has them, `relation`. Raises `DataError`."""
    return Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    cells: Cells = {}
    began = 0
    for number, text in file.lines():
        line = text.strip()
        sentence = _SENTENCE.fullmatch(line)
        if sentence:
            if cells:
                yield began, cells
            cells, began = {"text": sentence[2]}, number
        elif not line or line.lower().startswith(_COMMENT):
            continue
        elif cells and "relation" not in cells and _RELATION.fullmatch(line):
            cells["relation"] = line
        else:
            raise file.error(
                f"{line[:40]!r} is neither a number, a tab and a sentence with <e1>…</e1> and <e2>…</e2>, "
                "nor the one relation of the sentence above, nor a comment",
                number,
            )
    if cells:
        yield began, cells
