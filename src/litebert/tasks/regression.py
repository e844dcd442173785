"""Regression: a text, or a pair, has a score: stars, or how alike the two are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError, InputError, UsageError
from litebert.tasks import metrics, texts
from litebert.tasks.task import Record, Target, Task
from litebert.tasks.texts import Text
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig
    from litebert.tasks.rewording import Change


SCORES = ("score", "stars", "star", "rating", "similarity", "label", "value", "target", "评分", "分数")
"""The column names that mean a score."""


@dataclass(frozen=True, slots=True)
class Score(Record):
    """A number for a text."""

    score: float
    """In the units of the training data."""


@final
@dataclass(frozen=True, kw_only=True)
class Regression(Task[Text, Score]):
    """What is the score of this text, or of this pair of texts?"""

    name = "regression"
    Input = Text
    Output = Score
    example, also = texts.TRIED, texts.SECOND
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {**texts.COLUMNS, "score": SCORES}
    problem = "regression"
    best = "pearson"

    mean: float = 0.0
    """Of the training scores. The head gives how far a score is from it, in `scale`s."""
    scale: float = 1.0
    """The standard deviation of the training scores, so that the loss starts at about 1."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.scale) and self.scale > 0):
            raise UsageError(f"mean must be finite and scale above 0, but are {self.mean} and {self.scale}")

    def fit(self, wanted: Sequence[Score]) -> Regression:
        """Raises `DataError` if the scores are all the same, or too far apart."""
        scores = np.array([score.score for score in wanted], dtype=np.float64)
        if len(scores) == 0 or scores.min() == scores.max():
            what = f"only {scores[0]:g}" if len(scores) else "none"
            raise DataError(f"training needs at least 2 different scores, but the data have {what}")
        with np.errstate(over="ignore"):
            mean, scale = float(scores.mean()), float(scores.std())
        if not math.isfinite(scale):
            raise DataError(
                f"scores from {scores.min():g} to {scores.max():g} are too far apart to compute with"
            )
        return replace(self, mean=mean, scale=scale)

    def encode(self, given: Text, tokenizer: Tokenizer) -> list[Encoding]:
        return texts.encode(given, tokenizer, self.max_pieces, self.on_long)

    def encode_many(self, given: Sequence[Text], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        return texts.encode_many(given, tokenizer, self.max_pieces, self.on_long)

    def reworded(self, given: Text, wanted: Score, change: Change) -> tuple[Text, Score]:
        return texts.reworded(given, change), wanted

    def target(self, encoding: Encoding, wanted: Score) -> Target:  # noqa: ARG002 (a window has its text's score)
        return {"score": (wanted.score - self.mean) / self.scale}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Pooled

        return Pooled(config, 1)

    def published(self, head: Mapping[str, Tensor]) -> tuple[Regression, dict[str, Tensor]]:
        """Mean and scale folded into the weights, so that they give the data's own units."""
        folded = {name: tensor * self.scale for name, tensor in head.items()}
        return replace(self, mean=0.0, scale=1.0), {**folded, "bias": folded["bias"] + self.mean}

    def adopted(self, head: Mapping[str, Tensor]) -> dict[str, Tensor]:
        plain = {**head, "bias": head["bias"] - self.mean}
        return {name: tensor / self.scale for name, tensor in plain.items()}

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        from torch.nn.functional import mse_loss

        return mse_loss(scores["logits"][:, 0].float(), targets["score"])

    def decode(
        self,
        given: Text,  # noqa: ARG002 (only tasks that point into the text need it)
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Score:
        """The windows' mean, weighted by their pieces, in the data's own units."""
        return Score(float(texts.merge(encodings, texts.logits(scores))[0]) * self.scale + self.mean)

    def mistake(self, output: Score, wanted: Score) -> float | None:
        return abs(output.score - wanted.score) or None

    def measure(self, outputs: Sequence[Score], wanted: Sequence[Score]) -> dict[str, float]:
        given, right = [o.score for o in outputs], [w.score for w in wanted]
        return {"pearson": metrics.pearson(given, right), "spearman": metrics.spearman(given, right)}
