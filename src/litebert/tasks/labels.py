"""The names of classes: their natural order, and their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from litebert.errors import DataError, UsageError, nearest
from litebert.tasks.task import Record

if TYPE_CHECKING:
    from torch import Tensor

LABEL_COLUMNS = (
    *("label", "labels", "class", "category", "sentiment", "polarity", "target", "topic", "intent"),
    *("label_desc", "tag", "tags", "quality", "y", "标签", "类别", "分类", "情感"),
    *("类型", "标注", "意图", "主题", "情感倾向", "评价类别"),
)
"""The column names that mean a label."""


@dataclass(frozen=True, slots=True)
class Label(Record):
    """A class by its name, and how sure the model is of it."""

    label: str
    """The name of the class, as the training data have it."""
    probability: float = 1.0
    """From 0 to 1."""


def natural(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct names, by value if all are numbers, else as a person sorts them.

    >>> natural(["10", "9", "-1"]), natural(["b10", "b9", "a"])
    (('-1', '9', '10'), ('a', 'b9', 'b10'))
    """
    distinct = sorted(set(names))
    numbers = all(re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", name) for name in distinct)
    return tuple(sorted(distinct, key=float if numbers else _chunks))


def _chunks(name: str) -> list[tuple[bool, int, str]]:
    """Digits, which come first, compare as numbers (by length, then by character); the rest as it is."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [
        (False, len(part.lstrip("0")), part) if part[0] in "0123456789" else (True, 0, part) for part in parts
    ]


def fit_labels(known: tuple[str, ...], found: Iterable[str], least: int) -> tuple[str, ...]:
    """The label names of a task: those it has, if it has some, else those found.

    Raises `DataError` for fewer than `least` found. Whether those found are those it has, `check` tells.
    """
    distinct = natural(found)
    if len(distinct) < least:
        what = f"only {distinct[0]!r}" if distinct else "none"
        labels = "one label" if least == 1 else f"{least} different labels"
        raise DataError(f"training needs at least {labels}, but the data have {what}")
    return known or distinct


def label_number(label: str, known: Sequence[str]) -> int:
    """The place of a label among the task's. Raises `DataError` with the nearest."""
    try:
        return known.index(label)
    except ValueError:
        raise DataError(nearest(label, known, "label")) from None


def check_distinct(labels: tuple[str, ...]) -> None:
    """Raises `UsageError` for a name that stands twice, or is empty."""
    for label in labels:
        if not label or labels.count(label) > 1:
            raise UsageError(
                f"labels must be different names, but {label!r} {'stands twice' if label else 'is empty'}"
            )


def balance(found: Sequence[str], known: Sequence[str]) -> tuple[float, ...]:
    """Of each label a weight, so that all count for as much and an example weighs 1 on average.

    A label that is not found has 0. (King & Zeng 2001, as scikit-learn's `class_weight="balanced"`.)

    >>> balance(["a", "a", "a", "b"], ["a", "b"])
    (0.6666666666666666, 2.0)
    """
    counts = Counter(found)
    present = sum(counts[label] > 0 for label in known)
    return tuple(len(found) / (present * counts[label]) if counts[label] else 0.0 for label in known)


def class_loss(logits: Tensor, wanted: Tensor, weights: Sequence[float] = ()) -> Tensor:
    """Cross-entropy of logits [B, labels] and numbers int64 [B]: the mean, each times its class's weight.

    Not torch's weighted mean, which divides by the weights in the batch and undoes them in a batch of one.
    """
    from torch.nn.functional import cross_entropy

    if not weights:
        return cross_entropy(logits.float(), wanted)
    each = cross_entropy(logits.float(), wanted, reduction="none")
    return (each * each.new_tensor(weights)[wanted]).mean()
