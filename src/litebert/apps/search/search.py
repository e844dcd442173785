"""Searching an index: by words, by meaning, or by both, and perhaps put into order by a re-ranker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from litebert.apps.search import storage
from litebert.apps.search.index import Index, load
from litebert.errors import ModelError, UsageError
from litebert.text.bm25 import terms

if TYPE_CHECKING:
    from litebert.apps.search.reader import Reader

By = Literal["both", "words", "meaning"]
DEPTH = 100
"""Passages that each way of searching gives to the joining."""
RERANKED = 20
"""Documents that a re-ranker puts into order."""
_FUSED = 60
"""What a rank is added to, so that the first few do not count for everything (Cormack et al. 2009)."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found."""

    id: str
    score: float
    """By words BM25, by meaning the cosine, by both the shares of its ranks (at most 1); or a re-ranker's."""
    text: str
    """Its best passage."""
    start: int = 0
    """Where that begins in the document's text, in characters."""
    end: int = 0
    """Where it ends."""


class Searcher:
    """An opened index. Its model is opened when it is first needed."""

    def __init__(
        self,
        folder: Path,
        *,
        rerank: str | None = None,
        precision: str = "auto",
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._folder, self._manifest = folder, storage.manifest_of(folder)
        self.index: Index = load(folder, self._manifest)
        self._precision, self._tell = precision, tell
        self._reader: Reader | None = None
        self._reranker = None if rerank is None else _reranker(rerank, precision)

    def __call__(self, query: str, *, top: int = 10, by: By = "both", weight: float = 0.5) -> list[Hit]:
        """The best documents, best first. weight: of both, how much meaning counts, from 0 to 1."""
        if not 0 <= weight <= 1:
            raise UsageError(f"weight must be from 0 to 1, but is {weight}")
        best: dict[int, tuple[int, float]] = {}
        for passage, score in self.passages(query, by=by, weight=weight):
            best.setdefault(int(self.index.owners[passage]), (passage, score))
        found = list(best.values())
        if self._reranker is not None:
            found = self._reranked(self._reranker, query, found)
        return [self._hit(passage, score) for passage, score in found[:top]]

    def passages(self, query: str, *, by: By = "both", weight: float = 0.5) -> list[tuple[int, float]]:
        """The best passages and their scores, best first; none where nothing is asked."""
        if not query.strip():
            return []
        if by == "both" and self.index.vectors is None:
            by = "words"
        if by == "words":
            return self.by_words(query)
        if by == "meaning":
            return self.by_meaning(query)
        sides = ((self.by_words(query), 1 - weight), (self.by_meaning(query), weight))
        fused: dict[int, float] = {}
        for ranked, share in sides:
            for place, (passage, _) in enumerate(ranked):
                fused[passage] = fused.get(passage, 0.0) + share * (_FUSED + 1) / (_FUSED + 1 + place)
        return sorted(fused.items(), key=lambda pair: (-pair[1], pair[0]))

    def by_words(self, query: str) -> list[tuple[int, float]]:
        """By BM25; only passages that have a term of the query."""
        scores = self.index.words.scores(terms(query))
        found = np.argsort(-scores, kind="stable")[:DEPTH]
        return [(int(row), float(scores[row])) for row in found if scores[row] > 0]

    def by_meaning(self, query: str) -> list[tuple[int, float]]:
        """By the cosine. Raises `UsageError` for an index of words alone."""
        if self.index.neighbours is None:
            raise UsageError(
                f"{self._folder} is an index of words alone: index again with --model, or search by words"
            )
        keys, cosines = self.index.neighbours.nearest(self._vector(query), DEPTH)
        rows = self.index.rows(keys)
        return [(int(row), float(cosine)) for row, cosine in zip(rows, cosines, strict=True)]

    def _vector(self, query: str) -> NDArray[np.float32]:
        if self._reader is None:
            self._reader = self._opened()
        vector: NDArray[np.float32] = self._reader([query])[0]
        return vector

    def _opened(self) -> Reader:
        """Raises `ModelError` if the model is not the one that the vectors were made by."""
        from litebert.apps.search import reader  # Words alone need no torch.

        kept = self._manifest
        if reader.fingerprint(kept.model) != kept.fingerprint:
            raise ModelError(
                f"{kept.model} is not the model any more that {self._folder} was made with: "
                f"`litebert index {kept.source} --out {self._folder}` reads the documents again"
            )
        return reader.Reader(kept.model, kept.pooling, precision=self._precision, tell=self._tell)

    def _reranked(self, reranker: Any, query: str, found: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """The first in the re-ranker's order; those after them are left out, for their scores are others."""
        from litebert.tasks.ranking import Query

        first = found[:RERANKED]
        if not first:
            return []
        texts = tuple(self.index.read(passage) for passage, _ in first)
        ranking = reranker([Query(query, texts)])[0]
        return [(first[place][0], ranking.scores[place]) for place in ranking.order]

    def _hit(self, passage: int, score: float) -> Hit:
        document = self.index.documents[self.index.owners[passage]]
        span = self.index.span(passage)
        return Hit(document.id, score, self.index.text(passage), span.start, span.end)


def _reranker(name: str, precision: str) -> Any:
    from litebert.engine.opening import open_model

    return open_model(name, task="ranking", precision=precision)
