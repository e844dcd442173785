"""Where answers stand: in a passage, by what data say of them, and in the pieces of a window of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert import strict_json
from litebert.text.encoding import Encoding

Note = Callable[[str], None]
"""Hears what a person should be told of a row."""

FOUND = "where the answer stands is not said, and was found by its text"
MOVED = "an answer does not stand where the file says; the nearest place where it does was taken"
TRIMMED = "an answer is in the passage only without the punctuation around it, and was taken so"
ABSENT = "an answer is not in the passage as it is written; it counts as right, and is not learnt"


@dataclass(frozen=True, slots=True)
class Place:
    """An answer and where it stands, in characters of the passage; `start` = `end` if it does not."""

    answer: str
    start: int
    end: int

    @property
    def known(self) -> bool:
        return self.end > self.start


NONE = Place("", 0, 0)


def stated(cell: Any, start: Any = None) -> list[tuple[str, int | None]]:
    """The answers in a cell, each with where it is said to begin; none where the passage does not answer.

    A cell is a text; SQuAD's list of {"text", "answer_start"}; an object of two lists, as Hugging Face's
    files have it; a list of texts; or JSON of one of these. start: of a text. Raises `ValueError`.
    """
    cell = _parsed(cell)
    if cell is None or cell == "":
        return []
    if isinstance(cell, str | int | float) and not isinstance(cell, bool):
        return [(str(cell), _start(start))]
    if isinstance(cell, Mapping):
        cell = _rows(cell) if isinstance(cell.get("text"), list) else [cell]
    if not isinstance(cell, list):
        raise ValueError(f"must be a text or a list of answers, but is {cell!r:.60}")
    return [pair for item in cell for pair in [_one(item)] if pair[0].strip()]


def _parsed(cell: Any) -> Any:
    if isinstance(cell, str) and cell[:1] in ("[", "{"):
        try:
            parsed = strict_json.loads(cell)
        except ValueError:
            return cell  # an answer in brackets
        return parsed if isinstance(parsed, dict) or all(isinstance(x, str | dict) for x in parsed) else cell
    return cell


def _rows(cell: Mapping[str, Any]) -> list[Any]:
    texts, starts = cell["text"], cell.get("answer_start")
    if starts is not None and (not isinstance(starts, list) or len(starts) != len(texts)):
        raise ValueError(f"has {len(texts)} texts, but answer_start is {starts!r:.60}")
    return [{"text": t, "answer_start": s} for t, s in zip(texts, starts or [None] * len(texts), strict=True)]


def _one(item: Any) -> tuple[str, int | None]:
    if isinstance(item, str):
        return item, None
    if not isinstance(item, Mapping) or not isinstance(item.get("text"), str):
        raise ValueError(f'must hold texts or objects {{"text", "answer_start"}}, but holds {item!r:.60}')
    return item["text"], _start(item.get("answer_start"))


def _start(start: Any) -> int | None:
    if start is None or start == "":
        return None
    if isinstance(start, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(start)):
        raise ValueError(f"must begin at a whole number of characters, but begins at {start!r:.60}")
    return int(start)


def find(passage: str, answer: str, start: int | None, note: Note) -> Place:
    """Where an answer stands: where it is said to, or else at the nearest place where it does."""
    if start is not None:
        start += len(answer) - len(answer.lstrip())
    answer = answer.strip()
    if start is not None and start >= 0 and passage.startswith(answer, start):
        return Place(answer, start, start + len(answer))
    bare = re.sub(r"^\W+|\W+$", "", answer)
    for words, told in ((answer, FOUND if start is None else MOVED), (bare, TRIMMED)):
        places = [match.start() for match in re.finditer(f"(?={re.escape(words)})", passage)] if words else []
        if places:
            note(told)
            nearest = min(places, key=lambda at: abs(at - (start or 0)))
            return Place(words, nearest, nearest + len(words))
    note(ABSENT)
    return Place(answer, 0, 0)


def allowed(encoding: Encoding) -> NDArray[np.bool_]:
    """[n], what an answer may begin or end with: the pieces of the passage, and `[CLS]` for none."""
    pieces: NDArray[np.bool_] = (encoding.segments == 1) & (encoding.spans[:, 1] > encoding.spans[:, 0])
    pieces[0] = True
    return pieces


def pieces_of(encoding: Encoding, start: int, end: int) -> tuple[int, int]:
    """The first and the last piece of an answer; (0, 0), which is `[CLS]`, if the window has it not whole."""
    inside = np.flatnonzero(allowed(encoding))[1:]
    spans = encoding.spans[inside]
    held = np.flatnonzero((spans[:, 1] > start) & (spans[:, 0] < end))
    if len(held) == 0:
        return 0, 0
    first, last = held[0], held[-1]
    cut = (first == 0 and spans[0, 0] > start) or (last == len(spans) - 1 and spans[last, 1] < end)
    return (0, 0) if cut else (int(inside[first]), int(inside[last]))
