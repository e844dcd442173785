"""SQuAD's JSON (1.1, 2.0, and what is written like it): articles of paragraphs of questions.

`{"version", "data": [{"title", "paragraphs": [{"context", "qas": [{"question", "id", "answers"}]}]}]}`; also
with the questions themselves under `data`, each with its `context`, as Hugging Face's examples have it.
"""

from __future__ import annotations

import json as standard
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from litebert import strict_json
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


def put(text: str, dropped: Container[int], cells: Mapping[int, Cells]) -> str:
    """The file without some of its questions, counted from 0, and with other answers, or another text of its
    question or passage, in others."""
    whole = strict_json.loads(text)
    number = 0
    for article in whole["data"]:
        for paragraph in article.get("paragraphs", [{"qas": [article]}]):
            kept = []
            for question in paragraph["qas"]:
                if number not in dropped:
                    _put(question, paragraph if "context" in paragraph else question, cells.get(number, {}))
                    kept.append(question)
                number += 1
            paragraph["qas"] = kept
    if not any("paragraphs" in article for article in whole["data"]):
        whole["data"] = [article for at, article in enumerate(whole["data"]) if at not in dropped]
    return standard.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _put(question: dict[str, Any], paragraph: dict[str, Any], cells: Cells) -> None:
    for name in ("question", "answers"):
        if name in cells:
            question[name] = cells[name]
    if "passage" in cells:
        paragraph["context"] = cells["passage"]
