"""fastText's text: on each line `__label__NAME`, one or several, and the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table

suffixes = (".fasttext", ".ft")
_LABEL = re.compile(r"(?<!\S)__label__(\S*)[ \t]?")


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (there are no names)
    """Rows with a `text` and a list of `labels`; blank lines are skipped. Raises `DataError`."""
    return Table(_rows(file), ("text", "labels"))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    for number, line in file.lines():
        if not line.isspace():
            yield number, {"text": _LABEL.sub("", line).strip("\r\n"), "labels": _LABEL.findall(line)}


def line(cells: Cells, first: str) -> str:  # noqa: ARG001 (the file's first line, which says nothing of others)
    """A row as it is written."""
    labels = "".join(f"__label__{label} " for label in cells["labels"])
    return labels + " ".join(str(cells["text"]).split("\n")) + "\n"
