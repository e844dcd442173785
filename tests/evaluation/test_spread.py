"""The interval of a mean is scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from litebert.evaluation.spread import spread, spreads


@pytest.mark.parametrize("count", [2, 3, 5, 10, 31])
def test_the_interval_is_students(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    found = spread(values.tolist())
    low, high = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-3)
    assert found["sd"] == pytest.approx(values.std(ddof=1))


def test_of_each_measure_that_all_have() -> None:
    found = spreads([{"accuracy": 0.5, "f1": 0.1}, {"accuracy": 0.7}])
    assert list(found) == ["accuracy"] and found["accuracy"]["mean"] == pytest.approx(0.6)
