"""The likeliest spans of a passage by the scores of its windows, as published for SQuAD.

A span is looked for in the one window where its first piece has the most text on both sides, so that none is
found twice (google-research/bert, `run_squad.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.tasks.places import allowed
from litebert.text.encoding import Encoding

Numbers = NDArray[np.float64]
Scores = Mapping[str, NDArray[np.float32]]

MOST = 20
"""Spans that are kept, and that share the probability."""
_SPARE = 3
"""Times as many are looked at, since some have the same text."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """spans: int64 [c, 2], in characters of the passage; logits: [c], the best first; none: the logit of
    there being no answer, in the window that doubts least; pooled: whether it is of one scale with them."""

    spans: NDArray[np.int64]
    logits: Numbers
    none: float
    pooled: bool


def candidates(
    passage: str, encodings: Sequence[Encoding], scores: Sequence[Scores], *, stride: int, longest: int
) -> Candidates:
    """The likeliest spans of at most `longest` characters, no text twice. Raises `ModelError` for scores that
    are no numbers."""
    fullest = _fullest(encodings, stride)
    windows = [
        _of_window(encoding, one, full, longest)
        for encoding, one, full in zip(encodings, scores, fullest, strict=True)
    ]
    spans = np.concatenate([found for found, _ in windows])
    logits = np.concatenate([found for _, found in windows])
    order = np.lexsort((spans[:, 1], spans[:, 0], -logits))
    kept = _distinct(passage, spans, order)
    none = np.array([_none(one) for one in scores], np.float32)
    return Candidates(spans[kept], logits[kept], float(_finite(none).min()), pooled="none" not in scores[0])


def _none(scores: Scores) -> float:
    return float(scores["none"]) if "none" in scores else float(scores["start"][0]) + float(scores["end"][0])


def _fullest(encodings: Sequence[Encoding], stride: int) -> list[NDArray[np.bool_]]:
    """For each window and each of its pieces of the passage, whether no other window has more around it."""
    lengths = [int(np.count_nonzero(e.segments == 1)) - 1 for e in encodings]
    starts = np.arange(len(lengths)) * min(stride, lengths[0])
    around, owner = (np.full(starts[-1] + lengths[-1], -1.0), np.zeros(starts[-1] + lengths[-1], np.int64))
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        left = np.arange(length)
        context = np.minimum(left, left[::-1]) + 0.01 * length
        better = context > around[start : start + length]
        around[start : start + length][better] = context[better]
        owner[start : start + length][better] = number
    return [owner[s : s + n] == number for number, (s, n) in enumerate(zip(starts, lengths, strict=True))]


def _of_window(
    encoding: Encoding, scores: Scores, full: NDArray[np.bool_], longest: int
) -> tuple[NDArray[np.int64], Numbers]:
    """The likeliest spans of one window [c, 2], and their logits [c]."""
    inside = np.flatnonzero(allowed(encoding))[1:]
    own = np.zeros(len(encoding), dtype=bool)
    own[np.flatnonzero(encoding.segments == 1)[:-1]] = full
    firsts = np.flatnonzero(own[inside])
    if len(firsts) == 0:
        return np.empty((0, 2), np.int64), np.empty(0)
    window = _Window(inside, firsts, encoding.spans[inside].astype(np.int64), longest)
    begin, end, logits = window.beam(scores) if "top" in scores else window.pairs(scores)
    return np.stack([window.spans[begin, 0], window.spans[end, 1]], axis=1), logits


Found = tuple[NDArray[np.intp], NDArray[np.intp], Numbers]
"""The numbers of the first and the last piece among the passage's, and the logit of the two."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The m pieces of the passage in a window. inside: [m], where they stand in it; firsts: those among them
    that a span may begin with; spans: [m, 2], of characters; longest: characters of an answer."""

    inside: NDArray[np.intp]
    firsts: NDArray[np.intp]
    spans: NDArray[np.int64]
    longest: int

    def pairs(self, scores: Scores) -> Found:
        """Each start with each end that may follow it. A piece has at least a character."""
        width = min(len(self.inside), self.longest)
        start, end = (_finite(scores[name][self.inside]) for name in ("start", "end"))
        ends = sliding_window_view(np.pad(end, (0, width - 1), constant_values=-np.inf), width)
        edges = sliding_window_view(np.pad(self.spans[:, 1], (0, width - 1)), width)
        table = start[self.firsts, None] + ends[self.firsts]
        table[edges[self.firsts] - self.spans[self.firsts, :1] > self.longest] = -np.inf
        row, far = np.unravel_index(_largest(table.ravel()), table.shape)
        return self.firsts[row], self.firsts[row] + far, table[row, far]

    def beam(self, scores: Scores) -> Found:
        """The few starts that the head went on from, each with its own ends."""
        number = dict(zip(self.inside[self.firsts].tolist(), self.firsts.tolist(), strict=True))
        begin, end, logits = [], [], []
        for k, piece in enumerate(scores["top"].tolist()):
            if (first := number.get(int(piece))) is not None:
                ends = np.arange(first, len(self.inside))
                ends = ends[self.spans[ends, 1] - self.spans[first, 0] <= self.longest]
                begin.append(np.full(len(ends), first))
                end.append(ends)
                logits.append(
                    float(scores["start"][int(piece)]) + _finite(scores["end"][self.inside[ends], k])
                )
        if not begin:
            return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)
        together = np.concatenate(begin), np.concatenate(end), np.concatenate(logits)
        some = _largest(together[2])
        return together[0][some], together[1][some], together[2][some]


def _largest(values: Numbers) -> NDArray[np.intp]:
    """The places of the largest, but for -inf."""
    count = min(len(values), MOST * _SPARE)
    some = np.argpartition(-values, count - 1)[:count] if count else np.empty(0, np.intp)
    return some[values[some] > -np.inf]


def _finite(values: NDArray[np.float32]) -> Numbers:
    """In double precision. Raises `ModelError` if any is not a number."""
    if not np.isfinite(values).all():
        raise ModelError("the model's scores are not finite numbers: its training diverged, or it is damaged")
    return values.astype(np.float64)


def _distinct(passage: str, spans: NDArray[np.int64], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first so many of different texts."""
    seen: dict[str, int] = {}
    for i in order.tolist():
        seen.setdefault(passage[spans[i, 0] : spans[i, 1]], i)
        if len(seen) == MOST:
            break
    return np.array(list(seen.values()), dtype=np.intp)
