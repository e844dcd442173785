"""What tasks measure with. All are fractions, never NaN: where a measure is not defined, it is 0.0.

Keys are the house's: accuracy, macro_f1, micro_f1, f1, precision, recall, matthews, pearson, spearman.
f1, precision and recall are those of the second of two labels, and otherwise the mean over labels ("macro").
Each equals scikit-learn's or scipy's, with `zero_division=0`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from litebert.tasks.labels import label_number, natural

T = TypeVar("T")
Names = Sequence[str]
Counts = NDArray[np.float64]


def classes(outputs: Names, wanted: Names, labels: Names | None = None) -> dict[str, float]:
    """All measures of one label for each Input. `labels`: the task's names in order, else those that occur.

    Raises `DataError` for a label that is not among `labels`.
    """
    table = confusion(outputs, wanted, _labels(outputs, wanted, labels))
    hits, given, right = table.diagonal(), table.sum(0), table.sum(1)
    occurs = given + right > 0
    chosen = np.arange(len(table)) == 1 if len(table) == 2 else occurs
    return {
        "accuracy": _share(hits.sum(), table.sum()),
        "macro_f1": _mean(_f1(hits, given, right), occurs),
        "micro_f1": _share(hits.sum(), table.sum()),
        "f1": _mean(_f1(hits, given, right), chosen),
        "precision": _mean(_ratio(hits, given), chosen),
        "recall": _mean(_ratio(hits, right), chosen),
        "matthews": _matthews(table.astype(np.float64)),
    }


def flags(outputs: ArrayLike, wanted: ArrayLike) -> dict[str, float]:
    """The measures of any number of labels for each Input: 0 or 1, [Inputs, labels].

    accuracy: all labels of an Input right. micro_f1 counts the labels of all Inputs together.
    """
    a, b = (np.asarray(side, dtype=bool) for side in (outputs, wanted))
    hits, given, right = (np.count_nonzero(side, axis=0) for side in (a & b, a, b))
    every = np.ones(a.shape[1], dtype=bool)
    f1 = _mean(_f1(hits, given, right), every)
    return {
        "accuracy": _share(np.count_nonzero((a == b).all(axis=1)), len(a)),
        "macro_f1": f1,
        "micro_f1": _share(2 * hits.sum(), (given + right).sum()),
        "f1": f1,
        "precision": _mean(_ratio(hits, given), every),
        "recall": _mean(_ratio(hits, right), every),
    }


def found(sums: NDArray[np.int64]) -> dict[str, float]:
    """The measures of things that were found, by type: [types, 3], right, found and wanted.

    precision, recall and f1 (which is micro_f1) count all types together; macro_f1 is the mean over those
    that occur.
    """
    hits, given, right = sums.T
    whole = _share(2 * hits.sum(), given.sum() + right.sum())
    return {
        "f1": whole,
        "precision": _share(hits.sum(), given.sum()),
        "recall": _share(hits.sum(), right.sum()),
        "micro_f1": whole,
        "macro_f1": found_means(sums)["f1"],
    }


def found_means(sums: NDArray[np.int64]) -> dict[str, float]:
    """f1, precision and recall as means over the types that occur, of the same numbers."""
    hits, given, right = sums.T
    occurs = given + right > 0
    return {
        "f1": _mean(_f1(hits, given, right), occurs),
        "precision": _mean(_ratio(hits, given), occurs),
        "recall": _mean(_ratio(hits, right), occurs),
    }


def accuracy(outputs: Names, wanted: Names) -> float:
    """The share of Inputs that got the right label."""
    return _share(sum(o == w for o, w in zip(outputs, wanted, strict=True)), len(wanted))


def macro_f1(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """The mean over the labels that occur of each one's F1."""
    return classes(outputs, wanted, labels)["macro_f1"]


def micro_f1(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """F1 of all decisions together; with one label for each Input it is the accuracy."""
    return classes(outputs, wanted, labels)["micro_f1"]


def f1(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """F1 of the second of two labels, else `macro_f1`."""
    return classes(outputs, wanted, labels)["f1"]


def precision(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """Of the Inputs given the second of two labels, the share that have it; else the mean over labels."""
    return classes(outputs, wanted, labels)["precision"]


def recall(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """Of the Inputs that have the second of two labels, the share given it; else the mean over labels."""
    return classes(outputs, wanted, labels)["recall"]


def matthews(outputs: Names, wanted: Names, labels: Names | None = None) -> float:
    """Matthews' correlation, from -1 to 1, for any number of labels (Gorodkin 2004)."""
    return classes(outputs, wanted, labels)["matthews"]


def pearson(outputs: ArrayLike, wanted: ArrayLike) -> float:
    """Linear correlation, from -1 to 1; 0.0 if either side is constant."""
    a, b = (_centred(np.asarray(side, dtype=np.float64)) for side in (outputs, wanted))
    return float(np.clip(a @ b, -1, 1))


def spearman(outputs: ArrayLike, wanted: ArrayLike) -> float:
    """Pearson's correlation of the ranks; equal values share their mean rank."""
    return pearson(_ranks(np.asarray(outputs)), _ranks(np.asarray(wanted)))


def average_precision(scores: ArrayLike, relevance: ArrayLike) -> float:
    """The mean, over the relevant (above 0), of the precision at each one's rank; as trec_eval's `map`.

    Of equal scores the earlier ranks first. 0.0 if none is relevant.
    """
    hits = np.flatnonzero(_ranked(scores, relevance) > 0) + 1
    return float((np.arange(1, len(hits) + 1) / hits).mean()) if len(hits) else 0.0


def reciprocal_rank(scores: ArrayLike, relevance: ArrayLike) -> float:
    """1 / the rank of the first relevant; as trec_eval's `recip_rank`."""
    hits = np.flatnonzero(_ranked(scores, relevance) > 0)
    return 1.0 / (int(hits[0]) + 1) if len(hits) else 0.0


def ndcg(scores: ArrayLike, relevance: ArrayLike, cut: int = 10) -> float:
    """Relevance over log2(1 + rank), summed, as a share of the most there could be; as trec_eval's `ndcg_cut`
    (Järvelin & Kekäläinen 2002, with the relevance itself as the gain)."""
    gains = np.maximum(_ranked(scores, relevance), 0)
    return _share(_discounted(gains[:cut]), _discounted(np.sort(gains)[::-1][:cut]))


def confusion(outputs: Names, wanted: Names, labels: Names) -> NDArray[np.int64]:
    """[wanted, given] how often, by the order of `labels`. Raises `DataError` for another label."""
    place = {label: i for i, label in enumerate(labels)}
    try:
        pairs = [place[w] * len(place) + place[o] for o, w in zip(outputs, wanted, strict=True)]
    except KeyError as error:
        label_number(str(error.args[0]), labels)
        raise
    table = np.bincount(np.array(pairs, dtype=np.int64), minlength=len(place) ** 2)
    return table.reshape(len(place), len(place))


@overload
def interval(
    measure: Callable[[Any, Any], float],
    outputs: Sequence[T],
    wanted: Sequence[T],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]: ...


@overload
def interval(
    measure: Callable[[Any, Any], Mapping[str, float]],
    outputs: Sequence[T],
    wanted: Sequence[T],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]: ...


def interval(
    measure: Callable[[Any, Any], Any],
    outputs: Sequence[T],
    wanted: Sequence[T],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Any:
    """Between which values a measure lies with that confidence: percentiles of a bootstrap over Inputs.

    A measure that gives several by name, as a task's does, has an interval for each from the same resamples.
    Give a measure of classes its labels (`functools.partial(f1, labels=…)`), since a resample may lack one.
    """
    given, right = _array(outputs), _array(wanted)
    draw = np.random.Generator(np.random.Philox(seed))
    drawn = []
    for _ in range(resamples):
        pick = draw.integers(0, max(len(right), 1), len(right))
        drawn.append(measure(given[pick], right[pick]))
    if isinstance(drawn[0], Mapping):
        return {key: _middle([one[key] for one in drawn], level) for key in drawn[0]}
    return _middle(drawn, level)


def interval_of_mean(
    values: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """The same for a mean, of which only what each Input adds is needed."""
    if len(values) == 0:
        return 0.0, 0.0
    draw = np.random.Generator(np.random.Philox(seed))
    picks = (draw.integers(0, len(values), len(values)) for _ in range(resamples))
    return _middle([float(values[pick].mean()) for pick in picks], level)


def _middle(values: Sequence[float], level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ranked(scores: ArrayLike, relevance: ArrayLike) -> Counts:
    """The relevance in the order of the scores, highest first."""
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ranked: Counts = np.asarray(relevance, dtype=np.float64)[order]
    return ranked


def _discounted(gains: Counts) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def _labels(outputs: Names, wanted: Names, labels: Names | None) -> Names:
    return natural([*outputs, *wanted]) if labels is None else labels


def _array(things: Sequence[T]) -> NDArray[Any]:
    """An array to pick from: of numbers as they are, of anything else as objects."""
    if isinstance(things, np.ndarray) and things.dtype.kind in "biuf":
        return things
    objects = np.empty(len(things), dtype=object)
    objects[:] = list(things)
    return objects


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Counts:
    """part / whole for each label, 0 where there is nothing."""
    ratio: Counts = np.zeros(len(part))
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _f1(hits: NDArray[Any], given: NDArray[Any], right: NDArray[Any]) -> Counts:
    return _ratio(2 * hits, given + right)


def _mean(values: Counts, chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen].mean()) if chosen.any() else 0.0


def _matthews(table: Counts) -> float:
    given, right, total = table.sum(0), table.sum(1), table.sum()
    covariance = table.trace() * total - given @ right
    spread = np.sqrt(total**2 - given @ given) * np.sqrt(total**2 - right @ right)
    return _share(covariance, spread)


def _centred(x: Counts) -> Counts:
    """Of mean 0 and length 1, or all zeros if it is constant."""
    if len(x) == 0 or x.min() == x.max():
        return np.zeros_like(x)
    x = x / np.abs(x).max()  # so that the squares of large or tiny numbers stay numbers
    x = x - x.mean()
    length = float(np.linalg.norm(x))
    return x / length if length > 0 else np.zeros_like(x)


def _ranks(x: NDArray[Any]) -> Counts:
    """From 1, equal values their mean rank."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(count).astype(np.float64)
    return (last - (count - 1) / 2)[place]
