"""What tasks share that give each Input one label of several: classification, relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self

import numpy as np
from numpy.typing import NDArray

from litebert.tasks import texts
from litebert.tasks.defaults import InputT
from litebert.tasks.labels import Label, balance, check_distinct, class_loss, fit_labels, label_number
from litebert.tasks.task import Target, Task
from litebert.text.encoding import Encoding

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig


@dataclass(frozen=True, kw_only=True)
class OneLabel(Task[InputT, Label], Generic[InputT]):
    """Abstract: what Input it reads, and how labels are measured, the task itself says."""

    Output = Label
    problem = "single_label_classification"

    labels: tuple[str, ...] = ()
    """The names of the classes; filled in from the training data. Of two, the second is the positive."""

    weights: tuple[float, ...] = ()
    """Of each class in the loss; empty where all are 1."""

    def __post_init__(self) -> None:
        check_distinct(self.labels)

    def fit(self, wanted: Sequence[Label]) -> Self:
        return replace(self, labels=fit_labels(self.labels, self.classes(wanted), least=2))

    def classes(self, wanted: Sequence[Label]) -> list[str]:
        return [label.label for label in wanted]

    def weighted(self, wanted: Sequence[Label]) -> Self:
        return replace(self, weights=balance(self.classes(wanted), self.labels))

    def check(self, wanted: Label) -> None:
        if self.labels:
            label_number(wanted.label, self.labels)

    def target(self, encoding: Encoding, wanted: Label) -> Target:  # noqa: ARG002 (a window has its text's label)
        return {"label": label_number(wanted.label, self.labels)}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Pooled

        return Pooled(config, len(self.labels))

    def published(self, head: Mapping[str, Tensor]) -> tuple[Self, dict[str, Tensor]]:
        """Without the weights, which are of the training data."""
        return replace(self, weights=()), dict(head)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        return class_loss(scores["logits"], targets["label"], self.weights)

    def decode(
        self,
        given: InputT,  # noqa: ARG002 (only tasks that point into the text need it)
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Label:
        """The likeliest class by the mean probability of the windows, each weighted by its pieces."""
        rows = texts.logits(scores)
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        likely = texts.merge(encodings, rows / rows.sum(axis=1, keepdims=True))
        return Label(self.labels[likely.argmax()], float(likely.max()))

    def mistake(self, output: Label, wanted: Label) -> float | None:
        return None if output.label == wanted.label else output.probability
