"""Pairs and triples to learn vectors from, made of labelled pairs of other sets.

A pair that means the same is a text and its positive. Of inference the pairs of one premise are put together:
what follows from it is its positive, what contradicts it its negative (SimCSE, arXiv 2104.08821 §4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from litebert.data.example import Example, Examples
from litebert.data.source import Source
from litebert.data.sources import clue, zh
from litebert.tasks.embedding import Embedded, Embedding, Passage

Read = Callable[[], Examples[Any, Any]]


def same(read: Read, label: str = "same") -> Read:
    """The pairs with that label."""

    def pairs() -> Examples[Any, Any]:
        return Examples(
            [
                Example(Passage(e.given.text, e.given.second), Embedded(()), e.place)
                for e in read()
                if e.wanted.label == label
            ],
            Embedding(),
        )

    return pairs


def inferred(read: Read) -> Read:
    """For each sentence that follows from a premise, with one that contradicts it where there is one."""

    def triples() -> Examples[Any, Any]:
        of: dict[tuple[str, str], list[Any]] = defaultdict(list)
        premises: dict[str, None] = {}
        for e in read():
            premises[e.given.text] = None
            of[e.given.text, e.wanted.label].append(e)
        return Examples(
            [
                Example(
                    Passage(premise, one.given.second, None if other is None else other.given.second),
                    Embedded(()),
                    one.place,
                )
                for premise in premises
                for one, other in zip_longest(
                    of[premise, "entailment"],
                    of[premise, "contradiction"][: len(of[premise, "entailment"])],
                )
            ],
            Embedding(),
        )

    return triples


afqmc = Source(
    Embedding(),
    {split: same(clue.afqmc.splits[split]) for split in ("train", "dev")},
    "AFQMC: questions to a bank that mean the same, as pairs",
)
lcqmc = Source(
    Embedding(),
    {split: same(zh.lcqmc.splits[split]) for split in ("train", "dev", "all")},
    "LCQMC: questions that mean the same, as pairs",
)
ocnli = Source(
    Embedding(),
    {split: inferred(clue.ocnli.splits[split]) for split in ("train", "dev")},
    "OCNLI: what follows from a sentence, and what contradicts it, as triples",
)
