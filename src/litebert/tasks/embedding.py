"""Embedding: a text as a vector, so that texts of like meaning point the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import UsageError
from litebert.tasks import texts, vectors
from litebert.tasks.task import Record, Target, Task
from litebert.tasks.vectors import Role
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

AGAINST = 100
"""Positives among which a text must find its own when it is judged."""
_SAME = 0.9999
"""The cosine from which two vectors are of one text: batches differ by rounding."""


@dataclass(frozen=True, slots=True)
class Passage(Record):
    """A text; to learn from, with one that means the same and one that does not."""

    text: str
    """The text to read, as a person wrote it."""
    positive: str | None = None
    """For training and judging: a text that should be near. Left out, the text itself, under another dropout
    (SimCSE, arXiv 2104.08821)."""
    negative: str | None = None
    """For training and judging: a text that seems near and should not be."""


@dataclass(frozen=True, slots=True)
class Embedded(Record):
    """Where a text points."""

    embedding: tuple[float, ...] = ()
    """Of length 1, so that the sum of products of two is their cosine."""


@dataclass(frozen=True, slots=True)
class Compared(Embedded):
    """The same of an Input that has more than its text."""

    near: tuple[float, ...] = ()
    """The same of the positive, if one was given."""
    far: tuple[float, ...] = ()
    """The same of the negative, if one was given."""


@final
@dataclass(frozen=True, kw_only=True)
class Embedding(Task[Passage, Embedded]):
    """Where does this text point, among all that texts can mean?"""

    name = "embedding"
    Input = Passage
    Output = Embedded
    example: ClassVar = {"text": "Where is my parcel?"}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "text": (*texts.COLUMNS["text"], "anchor", "query"),
        "positive": ("positive", "pos", "answer", "paraphrase", *texts.COLUMNS["second"]),
        "negative": ("negative", "neg", "hard_negative", "contradiction"),
    }
    architecture = "Model"
    head_name = ""
    best = "mrr"

    pooling: Literal["mean", "first", "max"] = "mean"
    """How the states of the pieces become one vector."""
    temperature: float = 0.05
    """What cosines are divided by in training; the lower, the more the nearest negatives count."""

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise UsageError(f"temperature must be above 0, but is {self.temperature}")

    def fit(self, wanted: Sequence[Embedded]) -> Embedding:  # noqa: ARG002 (there is nothing to know of them)
        return self

    def exercise(self, given: Passage, wanted: Embedded) -> tuple[Passage, Embedded]:
        """A text alone is its own positive."""
        return (given if given.positive else replace(given, positive=given.text)), wanted

    def encode(self, given: Passage, tokenizer: Tokenizer) -> list[Encoding]:
        """The text, in windows if asked; positive and negative one sequence each."""
        found = vectors.encode(given.text, Role.ANCHOR, tokenizer, self.max_pieces, self.on_long)
        others = ((given.positive, Role.POSITIVE), (given.negative, Role.NEGATIVE))
        for text, role in others:
            if text is not None:
                found += vectors.encode(text, role, tokenizer, self.max_pieces, "truncate")
        return found

    def target(self, encoding: Encoding, wanted: Embedded) -> Target:  # noqa: ARG002 (the texts say it all)
        return vectors.target(encoding, vectors.role_of(encoding))

    def head(self, config: EncoderConfig) -> nn.Module:  # noqa: ARG002 (it has no weights)
        from litebert.tasks.heads import Embed

        return Embed(self.pooling)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        return vectors.contrast(scores["embedding"], targets, self.temperature)

    def decode(
        self,
        given: Passage,  # noqa: ARG002 (only tasks that point into the text need it)
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Embedded:
        found = vectors.by_role(encodings, scores)
        rows = {role: tuple(row.tolist()) for role, row in found.items()}
        if len(rows) == 1:
            return Embedded(rows[Role.ANCHOR])
        return Compared(rows[Role.ANCHOR], rows.get(Role.POSITIVE, ()), rows.get(Role.NEGATIVE, ()))

    def mistake(self, output: Embedded, wanted: Embedded) -> float | None:  # noqa: ARG002 (the vectors tell)
        """How much nearer the negative is than the positive."""
        if not (isinstance(output, Compared) and output.near and output.far):
            return None
        anchor = np.array(output.embedding)
        off = float(anchor @ np.array(output.far) - anchor @ np.array(output.near))
        return off if off > 0 else None

    def measure(self, outputs: Sequence[Embedded], wanted: Sequence[Embedded]) -> dict[str, float]:
        """accuracy: the positive is nearer than the negative and 99 others' positives; mrr: of its rank."""
        return {
            name: float(values.mean()) if len(values) else 0.0
            for name, values in self.each(outputs, wanted).items()
        }

    def each(
        self,
        outputs: Sequence[Embedded],
        wanted: Sequence[Embedded],  # noqa: ARG002 (the vectors tell)
    ) -> dict[str, NDArray[np.float64]]:
        """By text; those without a positive are not judged."""
        judged = [output for output in outputs if isinstance(output, Compared) and output.near]
        ranks = np.array([_rank(judged, i) for i in range(len(judged))], dtype=np.float64)
        return {"accuracy": (ranks == 1).astype(np.float64), "mrr": 1 / ranks if len(ranks) else ranks}


def _rank(judged: Sequence[Compared], i: int) -> int:
    """The place of a text's own positive among its negative and the positives of the texts around it.

    One that says the same as its own positive is no rival.
    """
    anchor, own = np.array(judged[i].embedding), np.array(judged[i].near)
    start = i // AGAINST * AGAINST
    rivals = [output.near for output in judged[start : start + AGAINST]]
    rivals += [judged[i].far] if judged[i].far else []
    others = np.array(rivals)
    return 1 + int(np.count_nonzero((others @ anchor > anchor @ own) & (others @ own < _SAME)))
