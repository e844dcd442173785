"""A passage beside a text that is never cut: a question, or a question with one of its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache

from litebert.errors import InputError
from litebert.text.encoding import SMALLEST_WINDOW, Encoding, OnLong, join, windows
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

PASSAGE = {"passage": "Ann lives in Paris, Bob in Rome."}
"""One to try."""
FRAME = 3
"""`[CLS]` and two `[SEP]`."""


def beside(
    tokenizer: Tokenizer,
    kept: Sequence[Pieces],
    passage: Pieces,
    *,
    limit: int,
    on_long: OnLong,
    stride: int,
    first: bool,
) -> list[list[Encoding]]:
    """For each text that is kept whole its row with the passage, or one for each window of the passage.

    The windows are the same for all of them. first: whether the kept text stands before the passage. What is
    cut from the passage is counted in `truncated`. Raises `InputError` (`too_long`) where a kept text leaves
    the passage too little room, and where something longer is refused.
    """
    longest = max(map(len, kept))
    room = limit - FRAME - longest
    if len(passage) <= room:
        return [[_row(tokenizer, one, passage, limit, first=first)] for one in kept]
    if on_long == "refuse":
        raise InputError(
            f"the input has {len(passage) + longest + FRAME:,} pieces with the special ones; "
            f"the limit is {limit:,}",
            code="too_long",
        )
    if room < (least := min(len(passage), max(1, limit // SMALLEST_WINDOW))):
        raise InputError(
            f"the question has {longest:,} pieces, and is never cut; beside a passage it may have "
            f"{max(0, limit - FRAME - least):,} at a limit of {limit:,}",
            code="too_long",
        )
    if on_long == "truncate":
        return [[_cut(tokenizer, one, passage, limit, first=first)] for one in kept]
    parts = windows(passage, room, stride)
    return [[_row(tokenizer, one, part, limit, first=first) for part in parts] for one in kept]


def _row(tokenizer: Tokenizer, kept: Pieces, passage: Pieces, limit: int, *, first: bool) -> Encoding:
    pair = (kept, passage) if first else (passage, kept)
    (row,) = join(tokenizer, *pair, limit=limit)
    return row


def _cut(tokenizer: Tokenizer, kept: Pieces, passage: Pieces, limit: int, *, first: bool) -> Encoding:
    room = limit - FRAME - len(kept)
    row = _row(tokenizer, kept, passage.part(0, room), limit, first=first)
    return replace(row, truncated=max(0, len(passage) - room))


def taken_apart(texts: Iterable[str], tokenizer: Tokenizer) -> Callable[[str], Pieces]:
    """The pieces of each of these texts, each taken apart once; raises `InputError` where it cannot be."""
    distinct = list(dict.fromkeys(texts))
    try:
        return dict(zip(distinct, tokenizer.encode_many(distinct), strict=True)).__getitem__
    except InputError:  # Only one by one can it be told which.
        return cache(tokenizer.encode)
