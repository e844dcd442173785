"""Each measure equals scikit-learn's or scipy's, and is never NaN."""

from __future__ import annotations

import math
import time
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn

from litebert.errors import DataError
from litebert.tasks import metrics

Pairs = list[tuple[str, str]]


def pairs(labels: str) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(st.sampled_from(labels), st.sampled_from(labels)), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@given(pairs("ab"))
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_two_labels_equal_scikit_learn(drawn: Pairs) -> None:
    outputs, wanted = ([*side] for side in zip(*drawn, strict=True))
    one = {"pos_label": "b", "zero_division": 0}
    assert metrics.classes(outputs, wanted, ["a", "b"]) == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(wanted, outputs),
            "macro_f1": sklearn.f1_score(wanted, outputs, average="macro"),
            "micro_f1": sklearn.f1_score(wanted, outputs, average="micro"),
            "f1": sklearn.f1_score(wanted, outputs, labels=["a", "b"], **one),
            "precision": sklearn.precision_score(wanted, outputs, labels=["a", "b"], **one),
            "recall": sklearn.recall_score(wanted, outputs, labels=["a", "b"], **one),
            "matthews": sklearn.matthews_corrcoef(wanted, outputs),
        }
    )


@settings(max_examples=30, deadline=None)
@given(pairs("abcd"))
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_more_labels_equal_scikit_learn(drawn: Pairs) -> None:
    outputs, wanted = ([*side] for side in zip(*drawn, strict=True))
    macro = {"average": "macro", "zero_division": 0}
    assert metrics.classes(outputs, wanted, ["d", "a", "c", "b"]) == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(wanted, outputs),
            "macro_f1": sklearn.f1_score(wanted, outputs, **macro),
            "micro_f1": sklearn.f1_score(wanted, outputs, average="micro"),
            "f1": sklearn.f1_score(wanted, outputs, **macro),
            "precision": sklearn.precision_score(wanted, outputs, **macro),
            "recall": sklearn.recall_score(wanted, outputs, **macro),
            "matthews": sklearn.matthews_corrcoef(wanted, outputs),
        }
    )


flag_rows = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.tuples(*[st.lists(st.booleans(), min_size=width, max_size=width)] * 2), min_size=1, max_size=20
    )
)


@settings(max_examples=30, deadline=None)
@given(flag_rows)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_several_labels_equal_scikit_learn(drawn: list[tuple[list[bool], list[bool]]]) -> None:
    outputs, wanted = (np.array(side, dtype=int) for side in zip(*drawn, strict=True))
    macro = {"average": "macro", "zero_division": 0}
    assert metrics.flags(outputs, wanted) == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(wanted, outputs),
            "macro_f1": sklearn.f1_score(wanted, outputs, **macro),
            "micro_f1": sklearn.f1_score(wanted, outputs, average="micro", zero_division=0),
            "f1": sklearn.f1_score(wanted, outputs, **macro),
            "precision": sklearn.precision_score(wanted, outputs, **macro),
            "recall": sklearn.recall_score(wanted, outputs, **macro),
        }
    )


numbers = st.one_of(st.integers(-3, 3), st.floats(-1e6, 1e6, allow_subnormal=False))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=40))
def test_correlations_equal_scipy(drawn: list[tuple[float, float]]) -> None:
    a, b = np.array(drawn, dtype=float).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linear, ranks = float(stats.pearsonr(a, b)[0]), float(stats.spearmanr(a, b)[0])
    spread = min(np.ptp(a), np.ptp(b)) / max(1.0, np.abs(a).max(), np.abs(b).max())
    if spread > 1e-6:  # below that scipy itself warns of lost digits
        assert metrics.pearson(a, b) == pytest.approx(linear, abs=1e-6)
    assert metrics.spearman(a, b) == pytest.approx(0.0 if math.isnan(ranks) else ranks, abs=1e-9)


@given(
    st.lists(
        st.tuples(*[st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)] * 2)
    )
)
def test_correlations_are_always_numbers(drawn: list[tuple[float, float]]) -> None:
    a, b = [x for x, _ in drawn], [y for _, y in drawn]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert -1 <= metrics.pearson(a, b) <= 1
        assert -1 <= metrics.spearman(a, b) <= 1


def test_what_is_not_defined_is_zero() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.pearson([3, 3, 3], [1, 2, 3]) == 0.0
        assert metrics.spearman([1, 2, 3], [0.1, 0.1, 0.1]) == 0.0
        assert metrics.matthews(["a", "a"], ["a", "b"]) == 0.0
        assert metrics.f1(["a", "a"], ["a", "a"], ["a", "b"]) == 0.0
        assert set(metrics.classes([], [], ["a", "b"]).values()) == {0.0}
        assert set(metrics.flags(np.zeros((0, 3)), np.zeros((0, 3))).values()) == {0.0}


def test_single_measures_are_those_of_the_table() -> None:
    outputs, wanted = ["a", "b", "b", "c"], ["a", "b", "c", "c"]
    table = metrics.classes(outputs, wanted)
    for name in ("accuracy", "macro_f1", "micro_f1", "f1", "precision", "recall", "matthews"):
        assert getattr(metrics, name)(outputs, wanted) == pytest.approx(table[name])


def test_confusion_has_wanted_in_rows() -> None:
    table = metrics.confusion(["x", "x", "y"], ["x", "y", "y"], ["y", "x"])
    assert table.tolist() == [[1, 1], [0, 1]]
    with pytest.raises(DataError, match="no label is named 'yess'; did you mean 'yes'"):
        metrics.confusion(["yess"], ["no"], ["no", "yes"])


def test_an_interval_covers_and_repeats() -> None:
    draw = np.random.default_rng(1)
    wanted = draw.integers(0, 2, 400)
    outputs = np.where(draw.random(400) < 0.8, wanted, 1 - wanted)
    low, high = metrics.interval(metrics.accuracy, outputs, wanted)
    right = metrics.accuracy(outputs, wanted)
    assert low < right < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(right * (1 - right) / 400), rel=0.15)
    assert metrics.interval(metrics.accuracy, outputs, wanted) == (low, high)
    wider = metrics.interval(metrics.accuracy, outputs, wanted, level=0.99)
    assert wider[0] < low and high < wider[1]


def test_intervals_of_ten_thousand_rows_are_quick() -> None:
    draw = np.random.default_rng(0)
    labels = ["no", "yes"]
    outputs, wanted = ([labels[i] for i in draw.integers(0, 2, 10_000)] for _ in range(2))
    start = time.process_time()
    both = metrics.interval(partial(metrics.classes, labels=labels), outputs, wanted)
    assert time.process_time() - start < 5
    assert both["f1"][0] < 0.5 < both["f1"][1]


def test_an_interval_of_nothing_is_nothing() -> None:
    assert metrics.interval(metrics.accuracy, [], []) == (0.0, 0.0)
