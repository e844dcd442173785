"""Multi-label classification: a text, or a pair, has any number of labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert import strict_json
from litebert.errors import InputError, UsageError
from litebert.tasks import metrics, texts
from litebert.tasks.labels import LABEL_COLUMNS, Label, check_distinct, fit_labels, label_number
from litebert.tasks.task import Record, Target, Task
from litebert.tasks.texts import Text
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig
    from litebert.tasks.rewording import Change


@dataclass(frozen=True, slots=True)
class Labels(Record):
    """The labels of a text, likeliest first; there may be none."""

    labels: tuple[Label, ...]
    """Each label whose probability reaches the task's threshold."""


def several(cell: Any) -> tuple[Label, ...]:
    """The labels of one cell: a JSON list, of names or of what the task answers, or names with commas,
    semicolons or bars between them.

    >>> several("sport; politics") == several('["sport", "politics"]') == several(["sport", "politics"])
    True
    """
    if isinstance(cell, str):
        listed = cell.lstrip().startswith("[")
        cell = strict_json.loads(cell) if listed else list(filter(str.strip, re.split("[,;|]", cell)))
    if isinstance(cell, list):
        cell = [name.get("label") if isinstance(name, dict) else name for name in cell]
    if not isinstance(cell, list) or not all(isinstance(name, str) and name.strip() for name in cell):
        raise ValueError(f"must be a list of labels, but is {cell!r}")
    return tuple(Label(name) for name in dict.fromkeys(name.strip() for name in cell))


@final
@dataclass(frozen=True, kw_only=True)
class Multilabel(Task[Text, Labels]):
    """Which labels fit this text, or this pair of texts?"""

    name = "multilabel"
    Input = Text
    Output = Labels
    example, also = texts.TRIED, texts.SECOND
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {**texts.COLUMNS, "labels": ("labels", *LABEL_COLUMNS)}
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"labels": several}
    problem = "multi_label_classification"
    best = "micro_f1"

    labels: tuple[str, ...] = ()
    """The names of the labels; filled in from the training data."""
    weights: tuple[tuple[float, float], ...] = ()
    """Of each label in the loss, where it is not and where it is; empty where all are 1."""
    threshold: float = 0.5
    """The least probability of a label that is given."""

    def __post_init__(self) -> None:
        check_distinct(self.labels)
        if not 0 < self.threshold < 1:
            raise UsageError(f"threshold must be between 0 and 1, but is {self.threshold}")

    def fit(self, wanted: Sequence[Labels]) -> Multilabel:
        found = (label.label for labels in wanted for label in labels.labels)
        return replace(self, labels=fit_labels(self.labels, found, least=1))

    def classes(self, wanted: Sequence[Labels]) -> list[str]:
        """The rarest of its labels; those without any are a class, too."""
        counts = Counter(label.label for labels in wanted for label in labels.labels)
        return [
            min((label.label for label in one.labels), key=counts.__getitem__, default="") for one in wanted
        ]

    def weighted(self, wanted: Sequence[Labels]) -> Multilabel:
        there = self._flags(wanted).mean(axis=0)
        sides = [
            (0.5 / (1 - share), 0.5 / share) if 0 < share < 1 else (1.0, 1.0) for share in there.tolist()
        ]
        return replace(self, weights=tuple(sides))

    def check(self, wanted: Labels) -> None:
        for label in wanted.labels if self.labels else ():
            label_number(label.label, self.labels)

    def encode(self, given: Text, tokenizer: Tokenizer) -> list[Encoding]:
        return texts.encode(given, tokenizer, self.max_pieces, self.on_long)

    def encode_many(self, given: Sequence[Text], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        return texts.encode_many(given, tokenizer, self.max_pieces, self.on_long)

    def reworded(self, given: Text, wanted: Labels, change: Change) -> tuple[Text, Labels]:
        return texts.reworded(given, change), wanted

    def target(self, encoding: Encoding, wanted: Labels) -> Target:  # noqa: ARG002 (a window has its text's labels)
        return {"labels": self._flags([wanted])[0].astype(np.float32)}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Pooled

        return Pooled(config, len(self.labels))

    def published(self, head: Mapping[str, Tensor]) -> tuple[Multilabel, dict[str, Tensor]]:
        """Without the weights, which are of the training data."""
        return replace(self, weights=()), dict(head)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        logits, wanted = scores["logits"].float(), targets["labels"]
        if not self.weights:
            return binary_cross_entropy_with_logits(logits, wanted)
        absent, present = logits.new_tensor(self.weights).T
        weight = absent + wanted * (present - absent)
        return binary_cross_entropy_with_logits(logits, wanted, weight=weight)

    def decode(
        self,
        given: Text,  # noqa: ARG002 (only tasks that point into the text need it)
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Labels:
        """The labels that reach the threshold, by the windows' mean probability, weighted by their pieces."""
        rows = texts.logits(scores)
        likely = texts.merge(encodings, np.exp(-np.logaddexp(0, -rows)))
        order = [i for i in np.argsort(-likely, kind="stable") if likely[i] >= self.threshold]
        return Labels(tuple(Label(self.labels[i], float(likely[i])) for i in order))

    def mistake(self, output: Labels, wanted: Labels) -> float | None:
        """How many labels were given that should not be, or should be and were not."""
        wrong = {label.label for label in output.labels} ^ {label.label for label in wanted.labels}
        return float(len(wrong)) or None

    def measure(self, outputs: Sequence[Labels], wanted: Sequence[Labels]) -> dict[str, float]:
        return metrics.flags(self._flags(outputs), self._flags(wanted))

    def _flags(self, rows: Sequence[Labels]) -> NDArray[np.bool_]:
        """bool [rows, labels of the task]. Raises `DataError` for a label that is not the task's."""
        width, place = len(self.labels), {label: i for i, label in enumerate(self.labels)}
        flags = np.zeros((len(rows), width), dtype=bool)
        try:
            held = [i * width + place[label.label] for i, row in enumerate(rows) for label in row.labels]
        except KeyError as error:
            label_number(error.args[0], self.labels)
            raise
        flags.reshape(-1)[held] = True
        return flags
