"""Similarity: how much two texts mean the same, on the scale of the data.

Two ways. A bi-encoder reads each text by itself, and the score follows from the cosine of their vectors: so
the vectors of many texts can be kept and compared, and an encoder that was not trained for it has an answer,
too. A cross-encoder reads both texts at once. Of large pretrained models it is the better judge; of a small
one, whose vectors were learnt from a teacher, the bi-encoder is by far (`docs/training.md`), so that is what
is trained unless `encoder=cross` is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, final

from numpy.typing import NDArray

from litebert.errors import InputError
from litebert.tasks import texts, vectors
from litebert.tasks.regression import SCORES, Regression, Score
from litebert.tasks.task import EXAMPLE, Record, Target, Task
from litebert.tasks.texts import Text
from litebert.tasks.vectors import Role
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from litebert.model.checkpoints.checkpoint import Problem
    from litebert.model.config import EncoderConfig
    from litebert.tasks.rewording import Change


@dataclass(frozen=True, slots=True)
class Pair(Record):
    """Two texts."""

    text: str
    """The one, as a person wrote it."""
    second: str
    """The other."""


@final
@dataclass(frozen=True, kw_only=True)
class Similarity(Task[Pair, Score]):
    """How much do these two texts mean the same?"""

    name = "similarity"
    Input = Pair
    Output = Score
    example: ClassVar = {"text": "Where is my parcel?", "second": "When will my parcel be here?"}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "text": ("sentence_A", *texts.COLUMNS["text"]),
        "second": ("sentence_B", *texts.COLUMNS["second"]),
        "score": ("score", "similarity", "relatedness_score", "relatedness", *SCORES),
    }
    best = "pearson"

    encoder: Literal["bi", "cross"] = "bi"
    """bi reads each text by itself, and compares their vectors; cross reads both at once."""
    pooling: Literal["mean", "first", "max"] = "mean"
    """Of bi: how the states of the pieces become one vector."""
    low: float = 0.0
    """The lowest score of the training data: of bi, that of cosine 0."""
    high: float = 1.0
    """The highest score of the training data: of bi, that of cosine 1."""
    mean: float = 0.0
    """Of cross: the training scores' mean. The head gives how far a score is from it, in `scale`s."""
    scale: float = 1.0
    """Of cross: the training scores' standard deviation."""

    @property
    def architecture(self) -> str:
        return "Model" if self.encoder == "bi" else self._cross.architecture

    @property
    def problem(self) -> Problem | None:
        return None if self.encoder == "bi" else self._cross.problem

    @property
    def head_name(self) -> str:
        return "" if self.encoder == "bi" else self._cross.head_name

    @property
    def _cross(self) -> Regression:
        """The cross-encoder is a regression of pairs."""
        return Regression(mean=self.mean, scale=self.scale, max_pieces=self.max_pieces, on_long=self.on_long)

    def fit(self, wanted: Sequence[Score]) -> Similarity:
        """Raises `DataError` if the scores are all the same."""
        fitted = self._cross.fit(wanted)
        scores = [score.score for score in wanted]
        return replace(self, low=min(scores), high=max(scores), mean=fitted.mean, scale=fitted.scale)

    def encode(self, given: Pair, tokenizer: Tokenizer) -> list[Encoding]:
        if self.encoder == "cross":
            return self._cross.encode(Text(given.text, given.second), tokenizer)
        one = vectors.encode(given.text, Role.ANCHOR, tokenizer, self.max_pieces, self.on_long)
        return one + vectors.encode(given.second, Role.POSITIVE, tokenizer, self.max_pieces, self.on_long)

    def encode_many(self, given: Sequence[Pair], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        if self.encoder == "bi":
            return super().encode_many(given, tokenizer)
        return self._cross.encode_many([Text(one.text, one.second) for one in given], tokenizer)

    def reworded(self, given: Pair, wanted: Score, change: Change) -> tuple[Pair, Score]:
        return Pair(change(given.text).text, change(given.second).text), wanted

    def target(self, encoding: Encoding, wanted: Score) -> Target:
        if self.encoder == "cross":
            return self._cross.target(encoding, wanted)
        cosine = (wanted.score - self.low) / (self.high - self.low)
        return {"cosine": cosine, "role": int(vectors.role_of(encoding))}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Embed

        return self._cross.head(config) if self.encoder == "cross" else Embed(self.pooling)

    def published(self, head: Mapping[str, Tensor]) -> tuple[Similarity, dict[str, Tensor]]:
        """Of cross: mean and scale folded into the weights, so that they give the data's own units."""
        if self.encoder == "bi":
            return self, dict(head)
        return replace(self, mean=0.0, scale=1.0), self._cross.published(head)[1]

    def adopted(self, head: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._cross.adopted(head)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Squared error, of bi that of the cosine (Sentence-BERT, arXiv 1908.10084 §3)."""
        if self.encoder == "cross":
            return self._cross.loss(scores, targets)
        from torch.nn.functional import mse_loss

        of = {role: _of_role(scores["embedding"], targets, role) for role in (Role.ANCHOR, Role.POSITIVE)}
        wanted = _of_role(targets["cosine"][:, None], targets, Role.ANCHOR)[:, 0]
        return mse_loss((of[Role.ANCHOR] * of[Role.POSITIVE]).sum(1), wanted)

    def decode(
        self,
        given: Pair,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Score:
        if self.encoder == "cross":
            return self._cross.decode(Text(given.text, given.second), encodings, scores)
        found = vectors.by_role(encodings, scores)
        cosine = float(found[Role.ANCHOR] @ found[Role.POSITIVE])
        return Score(self.low + cosine * (self.high - self.low))

    def mistake(self, output: Score, wanted: Score) -> float | None:
        return self._cross.mistake(output, wanted)

    def measure(self, outputs: Sequence[Score], wanted: Sequence[Score]) -> dict[str, float]:
        return self._cross.measure(outputs, wanted)


def _of_role(rows: Tensor, targets: Mapping[str, Tensor], role: Role) -> Tensor:
    """The mean of an example's rows of one role, by the number of the example, [examples, …]."""
    import torch

    at = torch.nonzero(targets["role"] == role)[:, 0]
    examples = targets[EXAMPLE][at]
    count = int(targets[EXAMPLE].max()) + 1
    sums = rows.new_zeros(count, rows.shape[1]).index_add(0, examples, rows[at])
    return sums / torch.bincount(examples, minlength=count)[:, None]
