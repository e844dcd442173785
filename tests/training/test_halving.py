"""Successive halving: candidates about the preset, and rungs that fit into the time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.errors import UsageError
from litebert.training.halving import Candidate, Rung, candidates, cost, plan

USUAL = Candidate(1e-4, 32, 3.0)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**31))
def test_candidates_are_about_the_preset(count: int, seed: int) -> None:
    found = candidates(USUAL, count, seed)
    assert found[0] == USUAL and len(found) == count
    assert found == candidates(USUAL, count + 5, seed)[:count]
    for one in found[1:]:
        assert 1.9e-5 <= one.learning_rate <= 5.1e-4
        assert one.batch_size in (16, 32, 64) and one.epochs in (1.5, 3.0, 6.0)
        assert one.dropout in (0.0, 0.1, 0.2)


def test_what_is_given_stays() -> None:
    found = candidates(USUAL, 20, 1, fixed=("learning_rate", "dropout"))
    assert {one.learning_rate for one in found} == {1e-4} and {one.dropout for one in found} == {None}
    assert len({one.batch_size for one in found}) == 3


@settings(max_examples=200, deadline=None)
@given(st.floats(1, 1e5), st.floats(1, 1e6))
def test_a_plan_fits_into_the_time(full: float, budget: float) -> None:
    if full > budget:
        with pytest.raises(UsageError, match="which does not fit into the"):
            plan(full, budget)
        return
    rungs = plan(full, budget)
    assert cost(rungs) * full <= budget * (1 + 1e-9)
    assert rungs[-1].share == 1 and rungs[-1].count >= 1
    assert all(more.count > fewer.count for more, fewer in pairwise(rungs))


def test_more_time_tries_more() -> None:
    assert plan(60, 60) == [Rung(1, 1.0)]
    assert plan(60, 120) == [Rung(3, 1 / 3), Rung(1, 1.0)]
    assert plan(60, 180) == [Rung(9, 1 / 9), Rung(3, 1 / 3), Rung(1, 1.0)]
    assert plan(60, 600)[0].count == 32 and plan(1, 1e9)[0].count == 81


def test_a_time_that_is_over_is_not_less_than_none() -> None:
    with pytest.raises(UsageError, match=r"which does not fit into the 0\.0 given"):
        plan(60.0, -1.0)
