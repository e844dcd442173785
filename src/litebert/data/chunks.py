"""The documents of a corpus → chunks of sentences of about one length, cut anew in each epoch.

google-research/albert, `create_instances_from_document`: sentences are put together until they reach the
target; with probability `short` the target is a random smaller one. What is left of a document is its last
chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from litebert.data.corpus.reader import Corpus

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Chunks:
    """starts, ends: int64 [n], the sentences `starts[i]` to `ends[i]` (exclusive) of one document,
    ascending."""

    starts: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, eq=False)
class Edges:
    """Where sentences and documents lie, as int64 arrays that begin with 0.

    pieces: [S + 1], sentence s is the pieces pieces[s]:pieces[s + 1]; sentences: [D + 1], likewise of
    documents.
    """

    pieces: Ints
    sentences: Ints

    @classmethod
    def of(cls, corpus: Corpus) -> Edges:
        pieces, sentences = (
            np.concatenate([[0], ends.astype(np.int64)])
            for ends in (corpus.sentence_ends, corpus.document_ends)
        )
        return cls(pieces, sentences)


def cut(edges: Edges, target: int, short: float, draws: Generator) -> Chunks:
    """All documents at once, a chunk of each at a time. Chunks of a single piece are left out."""
    at, last = edges.sentences[:-1], edges.sentences[1:]
    starts, ends = [at[:0]], [at[:0]]
    while len(at):
        stop = _reach(edges, at, _targets(len(at), target, short, draws))
        stop = np.minimum(stop, last)
        starts.append(at)
        ends.append(stop)
        goes_on = stop < last
        at, last = stop[goes_on], last[goes_on]
    together = np.stack([np.concatenate(starts), np.concatenate(ends)])
    together = together[:, np.argsort(together[0])]
    together = together[:, edges.pieces[together[1]] - edges.pieces[together[0]] > 1]
    return Chunks(together[0], together[1])


def _targets(count: int, target: int, short: float, draws: Generator) -> Ints:
    is_short, size = draws.random((2, count))
    return np.where(is_short < short, 2 + (size * (target - 1)).astype(np.int64), target)


def _reach(edges: Edges, at: Ints, pieces: Ints) -> Ints:
    """The end of the sentences from `at` on that have, together, at least so many pieces."""
    return np.searchsorted(edges.pieces, edges.pieces[at] + pieces)
