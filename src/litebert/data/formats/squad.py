"""SQuAD's JSON (1.1, 2.0, and what is written like it): articles of paragraphs of questions.

`{"version", "data": [{"title", "paragraphs": [{"context", "qas": [{"question", "id", "answers"}]}]}]}`; also
with the questions themselves under `data`, each with its `context`, as Hugging Face's examples have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from litebert.data.files import File
from litebert.data.formats import json
from litebert.data.formats.table import Cells, Known, Table

suffixes: tuple[str, ...] = ()
_START = re.compile(r'\s*\{\s*("(?!data")\w+"\s*:\s*("[^"]*"|[\w.+-]+)\s*,\s*)*"data"\s*:\s*\[')


def begins(start: str) -> bool:
    """An object that holds an array under `data`, with nothing but plain values before it."""
    return _START.match(start) is not None


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (each row names its columns)
    """A row for each question: `question`, `passage`, `answers`, `id` and `title`, where it has them.

    The line is the one that its article begins on. Raises `DataError`.
    """
    return Table(_rows(file))


def _rows(file: File) -> Iterator[tuple[int, Cells]]:
    for line, article in json.array(file, under="data"):
        try:
            for row in _questions(article):
                yield line, row
        except ValueError as error:
            raise file.error(str(error), line) from None


def _questions(article: Mapping[str, Any]) -> Iterator[Cells]:
    if "paragraphs" not in article:
        yield _question(article, article, None)
        return
    for paragraph in _list(article, "paragraphs"):
        for question in _list(paragraph, "qas"):
            yield _question(question, paragraph, article.get("title"))


def _question(question: Mapping[str, Any], paragraph: Mapping[str, Any], title: Any) -> Cells:
    if not isinstance(question.get("question"), str) or not isinstance(paragraph.get("context"), str):
        raise ValueError(f"expected a question and its context, but there is {_shown(question)}")
    row = {"question": question["question"], "passage": paragraph["context"]}
    extra = {"answers": question.get("answers"), "id": question.get("id"), "title": title}
    return row | {name: value for name, value in extra.items() if value is not None}


def _list(there: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = there.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"expected {name!r} to be an array of objects, but it is {_shown(found)}")
    return found


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
