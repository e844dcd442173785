"""Learning rates by hand, and against transformers' schedules."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import settings as testing
from hypothesis import strategies as st

from litebert.training.schedules import cyclic, multiplier, plateau
from litebert.training.settings import ScheduleName, TrainSettings


def _rates(schedule: str, total: int = 100, **more: object) -> list[float]:
    settings = TrainSettings(schedule=schedule, warmup=0.1, **more)  # type: ignore[arg-type]
    return [multiplier(settings, step, total) for step in range(total)]


def test_google_counts_its_decay_from_step_0() -> None:
    settings = TrainSettings(schedule="google", warmup=3125 / 125_000, learning_rate=0.00176)
    at = {step: 0.00176 * multiplier(settings, step, 125_000) for step in (0, 3124, 3125, 125_000)}
    assert at[0] == 0
    assert at[3124] == pytest.approx(0.00176 * 3124 / 3125)
    assert at[3125] == pytest.approx(0.001716)
    assert at[125_000] == 0


def test_linear_goes_from_the_peak_to_0() -> None:
    rates = _rates("linear")
    assert rates[:12] == pytest.approx([*(step / 10 for step in range(10)), 1.0, 1 - 1 / 90])
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(1 / 90)


def test_constant_stays_at_its_peak() -> None:
    assert _rates("constant")[10:] == [1.0] * 90


def test_cyclic_begins_again() -> None:
    rates = _rates("cyclic", cycles=3)
    assert [step for step, rate in enumerate(rates) if rate == 1.0] == [10, 40, 70]
    assert rates[25] == rates[55] == rates[85] == pytest.approx(0.5)
    assert cyclic(1.0, 3) == 0.0


def test_no_warmup_begins_at_the_peak() -> None:
    assert multiplier(TrainSettings(warmup=0.0), 0, 10) == 1.0


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([], 1.0),
        ([0.5, 0.6, 0.7], 1.0),
        ([0.5, 0.5], 1.0),
        ([0.5, 0.5, 0.4], 0.5),
        ([0.5, 0.5, 0.4, 0.6, 0.1], 0.5),
        ([0.5, 0.4, 0.4, 0.4, 0.4], 0.25),
    ],
)
def test_plateau_halves_when_dev_stands_still(scores: list[float], wanted: float) -> None:
    assert plateau(scores) == wanted


@testing(deadline=None)
@given(
    schedule=st.sampled_from(get_args(ScheduleName)),
    total=st.integers(1, 1000),
    warmup=st.floats(0, 0.99),
    cycles=st.integers(1, 9),
    scores=st.lists(st.floats(0, 1)),
    data=st.data(),
)
def test_always_between_0_and_1(
    schedule: ScheduleName, total: int, warmup: float, cycles: int, scores: list[float], data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, 2 * total))
    settings = TrainSettings(schedule=schedule, warmup=warmup, cycles=cycles)
    assert 0 <= multiplier(settings, step, total, scores) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "arguments"),
    [
        ("linear", "linear", {}),
        ("constant", "constant_with_warmup", {}),
        ("cosine", "cosine", {}),
        ("cyclic", "cosine_with_restarts", {"num_cycles": 3}),
    ],
)
def test_equals_transformers(ours: str, theirs: str, arguments: dict[str, int]) -> None:
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = get_scheduler(theirs, optimizer, 10, 100, scheduler_specific_kwargs=arguments)
    wanted = []
    for _ in range(100):
        wanted.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert _rates(ours) == pytest.approx(wanted, abs=1e-12)
