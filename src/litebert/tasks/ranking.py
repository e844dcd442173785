"""Ranking: which of these texts answer a query best?

A cross-encoder reads the query with each candidate and is the better judge: it re-ranks what a search found.
A bi-encoder reads each text by itself, so that the vectors of a whole collection can be kept: it finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError, InputError, UsageError
from litebert.tasks import metrics, texts, vectors
from litebert.tasks.task import EXAMPLE, Record, Target, Task
from litebert.tasks.texts import Text
from litebert.tasks.vectors import Part, Role
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig


@dataclass(frozen=True, slots=True)
class Query(Record):
    """A query, and texts that may answer it."""

    query: str
    """What is looked for, as a person typed it."""
    candidates: tuple[str, ...]
    """The texts to rank."""


@dataclass(frozen=True, slots=True)
class Ranking(Record):
    """How well each candidate answers."""

    scores: tuple[float, ...]
    """One for each candidate, in the order given, higher for better; in data, how relevant each is, or 0."""
    order: tuple[int, ...] = ()
    """The candidates' places, from 0, best first."""


@final
@dataclass(frozen=True, kw_only=True)
class Rank(Task[Query, Ranking]):
    """Which of these texts answer this query best?"""

    name = "ranking"
    Input = Query
    Output = Ranking
    example: ClassVar = {
        "query": "how long does a refund take",
        "candidates": ["It is red.", "A refund takes five days."],
    }
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "query": ("query", "question", "text", "search", "问题", "查询"),
        "candidates": ("candidates", "documents", "passages", "answers", "options", "texts", "候选"),
        "scores": ("scores", "relevance", "labels", "label", "relevances"),
    }
    best = "mrr"

    encoder: Literal["cross", "bi"] = "cross"
    """cross reads the query with each candidate; bi each text by itself, and compares their vectors."""
    pooling: Literal["mean", "first", "max"] = "mean"
    """Of bi: how the states of the pieces become one vector."""
    temperature: float = 0.05
    """Of bi: what cosines are divided by in training."""

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise UsageError(f"temperature must be above 0, but is {self.temperature}")

    @property
    def architecture(self) -> str:
        return "Model" if self.encoder == "bi" else "ForSequenceClassification"

    @property
    def head_name(self) -> str:
        return "" if self.encoder == "bi" else "classifier"

    def fit(self, wanted: Sequence[Ranking]) -> Rank:
        """Raises `DataError` if there is nothing to learn: no query has both a relevant text and another."""
        relevant = [one for one in wanted if any(score > 0 for score in one.scores)]
        mixed = any(score <= 0 for one in relevant for score in one.scores)
        if not (mixed or (relevant and self.encoder == "bi")):
            raise DataError("no query has both a candidate that is relevant (above 0) and one that is not")
        return self

    def exercise(self, given: Query, wanted: Ranking) -> tuple[Query, Ranking]:
        if len(given.candidates) != len(wanted.scores):
            raise ValueError(
                f"there are {len(given.candidates)} candidates, but {len(wanted.scores)} scores for them"
            )
        return given, wanted

    def encode(self, given: Query, tokenizer: Tokenizer) -> list[Encoding]:
        """Of cross, the query with each candidate; of bi, the query and then each candidate by itself."""
        if not given.candidates:
            raise InputError("there are no candidates to rank")
        limit, on_long = self.max_pieces, self.on_long
        if self.encoder == "bi":
            rows = [(vectors.encode(given.query, Role.ANCHOR, tokenizer, limit, "truncate"), -1)]
            texts_ = (
                (vectors.encode(one, Role.NEGATIVE, tokenizer, limit, on_long)) for one in given.candidates
            )
        else:
            rows = []
            texts_ = (
                texts.encode(Text(given.query, one), tokenizer, limit, on_long) for one in given.candidates
            )
        rows += [(many, place) for place, many in enumerate(texts_)]
        return [Candidate.of(one, place) for many, place in rows for one in many]

    def target(self, encoding: Encoding, wanted: Ranking) -> Target:
        place = _place(encoding)
        relevance = wanted.scores[place] if place >= 0 else 0.0
        if self.encoder == "cross":
            return {"relevance": relevance}
        role = Role.ANCHOR if place < 0 else Role.POSITIVE if relevance > 0 else Role.NEGATIVE
        return vectors.target(encoding, role)

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Embed, Pooled

        return Pooled(config, 1) if self.encoder == "cross" else Embed(self.pooling)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Of bi, that of contrast; of cross, the same within each query: -log of the share that a relevant
        candidate has of the softmax over itself and those that are less so (ListNet, Cao et al. 2007)."""
        if self.encoder == "bi":
            return vectors.contrast(scores["embedding"], targets, self.temperature)
        from torch.nn.functional import softplus

        logits = scores["logits"][:, 0].float()
        rival = _rivals(targets)
        against = logits.expand(len(logits), -1).masked_fill(~rival, -1e4).logsumexp(1)
        some = rival.any(1)
        return (softplus(against - logits) * some).sum() / some.sum().clamp(min=1)

    def counted(self, targets: Mapping[str, Tensor]) -> float | None:
        """Of cross, the candidates that have one less relevant beside them."""
        return None if self.encoder == "bi" else float(_rivals(targets).any(1).sum())

    def decode(
        self,
        given: Query,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Ranking:
        """The best window of a candidate counts: an answer stands in one place."""
        found = np.full(len(given.candidates), -np.inf)
        rows = self._scored(encodings, scores)
        np.maximum.at(found, [_place(one) for one in encodings if _place(one) >= 0], rows)
        order = np.argsort(-found, kind="stable")
        return Ranking(tuple(found.tolist()), tuple(order.tolist()))

    def _scored(
        self, encodings: Sequence[Encoding], scores: Sequence[Mapping[str, NDArray[np.float32]]]
    ) -> NDArray[np.float64]:
        """A number for each encoding of a candidate."""
        if self.encoder == "cross":
            return texts.logits(scores)[:, 0]
        rows = np.stack([vectors.merged([e], [s]) for e, s in zip(encodings, scores, strict=True)])
        cosines: NDArray[np.float64] = rows[1:] @ rows[0]
        return cosines

    def mistake(self, output: Ranking, wanted: Ranking) -> float | None:
        """How far down the first relevant candidate stands; without one, no ranking is wrong."""
        first = metrics.reciprocal_rank(output.scores, wanted.scores)
        return 1 - first if 0 < first < 1 else None

    def measure(self, outputs: Sequence[Ranking], wanted: Sequence[Ranking]) -> dict[str, float]:
        """The means over the queries; one without a relevant candidate counts 0, as in trec_eval."""
        each = self.each(outputs, wanted)
        return {name: float(values.mean()) if len(values) else 0.0 for name, values in each.items()}

    def each(self, outputs: Sequence[Ranking], wanted: Sequence[Ranking]) -> dict[str, NDArray[np.float64]]:
        pairs = [(output.scores, right.scores) for output, right in zip(outputs, wanted, strict=True)]
        measures = {
            "mrr": metrics.reciprocal_rank,
            "map": metrics.average_precision,
            "ndcg@10": metrics.ndcg,
        }
        return {name: np.array([one(*pair) for pair in pairs]) for name, one in measures.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate(Part):
    """An encoding of a candidate, or of the query by itself. place: which candidate, from 0; -1 the query."""

    place: int = -1

    @classmethod
    def of(cls, one: Encoding, place: int) -> Candidate:
        return cls(one.ids, one.segments, one.spans, one.truncated, vectors.role_of(one), place)


def _rivals(targets: Mapping[str, Tensor]) -> Tensor:
    """bool [C, C]: of each candidate, those of the same query that are less relevant."""
    relevance, query = targets["relevance"], targets[EXAMPLE]
    return (query[:, None] == query) & (relevance < relevance[:, None])


def _place(encoding: Encoding) -> int:
    return encoding.place if isinstance(encoding, Candidate) else -1
