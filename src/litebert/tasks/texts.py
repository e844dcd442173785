"""The Input of tasks that read one text or two, and what they do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError, ModelError
from litebert.tasks.task import Record, caught
from litebert.text.encoding import Encoding, OnLong, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from litebert.tasks.rewording import Change

COLUMNS = {
    "text": (
        *("text", "sentence", "sentence1", "text_a", "texta", "text1", "premise", "question1", "#1 string"),
        *("review", "content", "comment", "body", "message", "question", "query", "title", "document"),
        *("文本", "句子", "句子1", "内容", "评论", "标题", "评论内容", "文本内容", "用户评论", "评价内容"),
        *("评价", "正文", "留言", "消息", "问题", "反馈"),
    ),
    "second": (
        *("second", "sentence2", "text_b", "textb", "text2", "hypothesis", "question2", "#2 string", "pair"),
        *("文本2", "句子2"),
    ),
}
"""The column names that mean a text and a second text."""

TRIED = {"text": "Where is my parcel?"}
SECOND = {"second": "It was sent on Monday."}
"""A text to try, and a second one for those who learnt from pairs."""


@dataclass(frozen=True, slots=True)
class Text(Record):
    """One text, or a pair of texts."""

    text: str
    """The text to read, as a person wrote it."""
    second: str | None = None
    """The second text of a pair: a hypothesis, an answer, another wording."""


def reworded(given: Text, change: Change) -> Text:
    """With its texts changed, each by itself."""
    second = None if given.second is None else change(given.second).text
    return Text(change(given.text).text, second)


def encode(given: Text, tokenizer: Tokenizer, limit: int, on_long: OnLong) -> list[Encoding]:
    """One sequence, or one for each window of a long text; windows stand side by side, each piece in one."""
    second = None if given.second is None else tokenizer.encode(given.second)
    return _join(tokenizer, tokenizer.encode(given.text), second, limit, on_long)


def encode_many(
    given: Sequence[Text], tokenizer: Tokenizer, limit: int, on_long: OnLong
) -> list[list[Encoding] | InputError]:
    """`encode` of each, all texts at once; an `InputError` in the place of one that cannot be encoded."""
    seconds = [one.second for one in given if one.second is not None]
    try:
        firsts = tokenizer.encode_many([one.text for one in given])
        others = iter(tokenizer.encode_many(seconds))
    except InputError:  # Only one by one can it be told which, and that the others are well.
        return [caught(encode, one, tokenizer, limit, on_long) for one in given]
    pairs = [
        (first, next(others) if one.second is not None else None)
        for one, first in zip(given, firsts, strict=True)
    ]
    return [caught(_join, tokenizer, first, second, limit, on_long) for first, second in pairs]


def _join(
    tokenizer: Tokenizer, first: Pieces, second: Pieces | None, limit: int, on_long: OnLong
) -> list[Encoding]:
    return join(tokenizer, first, second, limit=limit, on_long=on_long, stride=limit)


def logits(scores: Sequence[Mapping[str, NDArray[np.float32]]]) -> NDArray[np.float64]:
    """[windows, outputs]. Raises `ModelError` if any is not a number."""
    rows = np.stack([score["logits"] for score in scores]).astype(np.float64)
    if not np.isfinite(rows).all():
        raise ModelError("the model's scores are not finite numbers: its training diverged, or it is damaged")
    return rows


def merge(encodings: Sequence[Encoding], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The windows' mean, [outputs], each weighted by how many pieces it has."""
    weights = np.array([[len(encoding)] for encoding in encodings], dtype=np.float64)
    # `np.average`, in a quarter of its time for one row.
    mean: NDArray[np.float64] = (rows * weights).sum(axis=0) / weights.sum()
    return mean
