"""Tags and the spans that they mean: BIO, IOB1, BIOES, BMES and BILOU, read by one rule, written in two ways.

A tag is `O`, or a prefix, a dash and a type: `B-PER`. Spans are of tokens, counted from 0, ends exclusive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert.tasks.task import PartError

Scheme = Literal["BIO", "BIOES", "any"]
"""How a model's tags are to be read. BIO: a span begins with B and goes on with I. BIOES: it also ends with
E, and S is one of a single token. any: as they come, by conlleval's rule, by which no tag is wrong."""
Floats = NDArray[np.float64]

OUTSIDE = "O"
_TAG = re.compile(r"([BIESMLU])-(\S.*)", re.DOTALL)
_AS = {"M": "I", "L": "E", "U": "S"}
"""What BMES and BILOU call otherwise."""


class Chunk(NamedTuple):
    """A span of tokens and its type."""

    type: str
    start: int
    end: int


def parted(tag: str) -> tuple[str, str]:
    """A tag's prefix, one of B, I, E, S and O, and its type. Raises `ValueError`.

    >>> parted("B-PER"), parted("M-ORG"), parted("O")
    (('B', 'PER'), ('I', 'ORG'), ('O', ''))
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    match = _TAG.fullmatch(tag)
    if match is None:
        raise ValueError(
            f"{tag!r} is no tag: expected O, or one of B- I- E- S- M- L- U- and a type, such as B-PER"
        )
    return _AS.get(match[1], match[1]), match[2]


def are_tags(labels: Iterable[str]) -> bool:
    """Whether all of these are tags, and at least one is of a type."""
    distinct = set(labels)
    return bool(distinct - {OUTSIDE}) and all(tag == OUTSIDE or _TAG.fullmatch(tag) for tag in distinct)


def chunks(tags: Sequence[str]) -> list[Chunk]:
    """The spans that tags mean, by conlleval's rule (Tjong Kim Sang & Buchholz 2000): a span also begins with
    an I or E of another type than the token before, or after none. So it reads every scheme.

    Raises `PartError` for what is no tag.
    """
    found: list[Chunk] = []
    start, before, type_before = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        try:
            prefix, type_ = parted(tag)
        except ValueError as error:
            raise PartError(str(error), place) from None
        begins = prefix in "BS" or before in "ESO" or type_ != type_before
        if begins and before != OUTSIDE:
            found.append(Chunk(type_before, start, place))
        if begins:
            start = place
        before, type_before = prefix, type_
    return found


def strict_chunks(tags: Sequence[str]) -> list[Chunk]:
    """The same, but for spans that are not spelt as BIO or BIOES has it: those are none.

    It is BIOES if there is an E or S.
    """
    ends = any(parted(tag)[0] in "ES" for tag in tags)
    return [chunk for chunk in chunks(tags) if _spelt(tags, chunk, "BIOES" if ends else "BIO")]


def _spelt(tags: Sequence[str], chunk: Chunk, scheme: Scheme) -> bool:
    prefixes = [parted(tag)[0] for tag in tags[chunk.start : chunk.end]]
    return prefixes == _prefixes(chunk.end - chunk.start, scheme)


def _prefixes(length: int, scheme: Scheme) -> list[str]:
    if scheme != "BIOES":
        return ["B", *"I" * (length - 1)]
    return ["S"] if length == 1 else ["B", *"I" * (length - 2), "E"]


def tagged(length: int, spans: Iterable[Chunk], scheme: Scheme) -> list[str]:
    """The tags of so many tokens. Of spans that overlap, the later has what is left."""
    tags = [OUTSIDE] * length
    done = 0
    for type_, start, end in spans:
        start = max(start, done)
        if start < end:
            tags[start:end] = [f"{prefix}-{type_}" for prefix in _prefixes(end - start, scheme)]
            done = end
    return tags


def labels(types: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags of these types."""
    prefixes = "BIES" if scheme == "BIOES" else "BI"
    return (OUTSIDE, *(f"{prefix}-{type_}" for type_ in types for prefix in prefixes))


class Grammar(NamedTuple):
    """Which tag may stand where: 0 if it may, else -inf. start, end: [L]; after: [L, L], row then column."""

    start: Floats
    after: Floats
    end: Floats

    def weighed(self, steps: Floats) -> Grammar:
        """With what steps from tag to tag weigh besides [(L + 1)²], the boundary last (`crf.py`)."""
        steps = steps.reshape(len(self.start) + 1, -1)
        return Grammar(self.start + steps[-1, :-1], self.after + steps[:-1, :-1], self.end + steps[:-1, -1])


def grammar(known: Sequence[str], scheme: Scheme) -> Grammar:
    """What a scheme allows among these tags."""
    size = len(known)
    if scheme == "any":
        return Grammar(np.zeros(size), np.zeros((size, size)), np.zeros(size))
    tags = [parted(tag) for tag in known]
    boundary = (OUTSIDE, "")
    return Grammar(
        np.array([_cost(boundary, tag, scheme) for tag in tags]),
        np.array([[_cost(before, tag, scheme) for tag in tags] for before in tags]),
        np.array([_cost(tag, boundary, scheme) for tag in tags]),
    )


def _cost(before: tuple[str, str], tag: tuple[str, str], scheme: Scheme) -> float:
    goes_on = tag[0] in "IE"
    was_open = before[0] in "BI" and (scheme == "BIOES" or goes_on)
    fits = before[0] in "BI" and before[1] == tag[1] and goes_on
    return 0.0 if fits or not (goes_on or was_open) else -np.inf


def best_path(scores: Floats, rules: Grammar) -> list[int]:
    """The best allowed sequence of tags by the sum of its scores [T, L] (Viterbi 1967)."""
    if len(scores) == 0:
        return []
    total = scores[0] + rules.start
    came = np.zeros(scores.shape, dtype=np.intp)
    for place in range(1, len(scores)):
        every = total[:, None] + rules.after
        came[place] = every.argmax(axis=0)
        total = every.max(axis=0) + scores[place]
    path = [int((total + rules.end).argmax())]
    for place in range(len(scores) - 1, 0, -1):
        path.append(int(came[place, path[-1]]))
    return path[::-1]
