"""The files of public sets of multiple choice, each in its own form of JSON or CSV.

RACE                 a passage a line: {"article", "questions", "options", "answers"}
DREAM, C3            [[[turn, …], [{"question", "choice", "answer"}, …], id], …]
CommonsenseQA        a question a line: {"question": {"stem", "choices"}, "answerKey"}
SWAG                 {"sent1", "sent2", "ending0", …, "label"}, as JSON lines or CSV
COPA of SuperGLUE    {"premise", "question", "choice1", "choice2", "label"}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count, takewhile
from typing import Any

from litebert.data.files import File
from litebert.data.formats import csv, json, jsonl
from litebert.data.formats.table import Cells, Known, Table

suffixes: tuple[str, ...] = ()
ASKED = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}
"""What COPA asks for, in words (Roemmele et al. 2011)."""
_ARRAYS = re.compile(r'\s*\[\s*\[\s*\[\s*"')
_FIRST = 1 << 17
"""Characters in which the keys of the first line are looked for."""


def begins(start: str) -> bool:
    """Whether it begins like one of these."""
    return bool(_ARRAYS.match(start)) or _unfolder(start) is not None or _is_swag_csv(start)


def read(file: File, known: Known) -> Table:
    """A row for each question: `question`, `options`, `passage`, and `index` where the right one is told.

    Raises `DataError`.
    """
    start = file.start().decode(errors="ignore").removeprefix("\ufeff")
    if _ARRAYS.match(start):
        return Table(_rows(file, json.array(file, of=list), _dialogue))
    if _is_swag_csv(start):
        return Table(_rows(file, csv.read(file, Known(header=True)).rows, _swag))
    unfold = _unfolder(start)
    if unfold is None:
        raise file.error(
            "is no file of multiple choice that is known; give JSON lines of the task's Input", 1
        )
    return Table(_rows(file, jsonl.read(file, known).rows, unfold))


Unfold = Callable[[Any], Iterator[Cells]]


def _rows(file: File, rows: Iterator[tuple[int, Any]], unfold: Unfold) -> Iterator[tuple[int, Cells]]:
    for line, row in rows:
        try:
            for question in unfold(row):
                yield line, question
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            told = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise file.error(f"is not as in the lines before, or not whole: {told}", line) from None


def _unfolder(start: str) -> Unfold | None:
    """For a file of JSON lines, by the keys of its first."""
    line = start.lstrip()[:_FIRST].partition("\n")[0]
    if not line.startswith("{"):
        return None
    forms: Mapping[Unfold, tuple[str, ...]] = {
        _race: ("article", "questions", "options"),
        _commonsense: ("question", "stem", "choices"),
        _swag: ("sent1", "sent2", "ending0"),
        _copa: ("premise", "choice1", "choice2"),
    }
    return next((form for form, keys in forms.items() if all(f'"{key}"' in line for key in keys)), None)


def _is_swag_csv(start: str) -> bool:
    cells = {cell.strip('" \r') for cell in start.partition("\n")[0].split(",")}
    return {"sent1", "sent2", "ending0", "ending1"} <= cells


def _race(row: Mapping[str, Any]) -> Iterator[Cells]:
    answers = row.get("answers") or [None] * len(row["questions"])
    if not len(row["questions"]) == len(row["options"]) == len(answers):
        counts = f"{len(row['questions'])} questions, {len(row['options'])} lists of options"
        raise ValueError(f"there are {counts} and {len(answers)} answers")
    for question, options, answer in zip(row["questions"], row["options"], answers, strict=True):
        told = {} if answer is None else {"index": ord(answer) - ord("A")}
        yield {"question": question, "options": options, "passage": row["article"], **told}


def _dialogue(row: list[Any]) -> Iterator[Cells]:
    turns, questions, *_ = row
    for question in questions:
        options, answer = question["choice"], question.get("answer")
        if answer is not None and answer not in options:
            raise ValueError(f"the answer {answer!r} is none of {', '.join(map(repr, options))}")
        told = {} if answer is None else {"index": options.index(answer)}
        yield {"question": question["question"], "options": options, "passage": "\n".join(turns), **told}


def _commonsense(row: Mapping[str, Any]) -> Iterator[Cells]:
    choices = row["question"]["choices"]
    letters = [choice["label"] for choice in choices]
    key = row.get("answerKey")
    if key and key not in letters:
        raise ValueError(f"the answer {key!r} is none of {', '.join(map(repr, letters))}")
    told = {"index": letters.index(key)} if key else {}
    options = [choice["text"] for choice in choices]
    yield {"question": row["question"]["stem"], "options": options, "passage": "", **told}


def _swag(row: Mapping[str, Any]) -> Iterator[Cells]:
    endings = [row[key] for key in takewhile(row.__contains__, (f"ending{i}" for i in count()))]
    told = {} if row.get("label") in (None, "") else {"index": int(row["label"])}
    yield {"question": row["sent2"], "options": endings, "passage": row["sent1"], **told}


def _copa(row: Mapping[str, Any]) -> Iterator[Cells]:
    told = {"index": row["label"]} if row.get("label") is not None else {}
    options = [row["choice1"], row["choice2"]]
    yield {"question": ASKED[row["question"]], "options": options, "passage": row["premise"], **told}
