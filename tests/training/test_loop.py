"""One update at a time: weights of parts, clipping, what is drawn, what is not a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_run import Toy, ToyBatch, ToyBatches, objective, samples

from litebert.errors import ModelError
from litebert.model.dropout import Draw
from litebert.training.loop import Batches, Objective, State, Step, seed, steps
from litebert.training.optimizers import optimizer
from litebert.training.progress import Progress
from litebert.training.settings import TrainSettings


def _train(
    model: nn.Module, batches: Batches, objective: Objective = objective, **settings: Any
) -> tuple[State, list[Step]]:
    chosen = TrainSettings(**{"learning_rate": 0.01, "warmup": 0.0, "steps": 3, **settings})
    state = State(model, optimizer(chosen, model), Progress())
    return state, list(steps(state, objective, batches, chosen))


@dataclass
class _Cut:
    """The first 12 samples, cut into batches of the sizes given, over and over."""

    sizes: tuple[int, ...]

    @property
    def per_epoch(self) -> int:
        return len(self.sizes)

    def __call__(self, number: int) -> ToyBatch:
        ids, labels = samples(0)
        place = number % len(self.sizes)
        start = sum(self.sizes[:place])
        chosen = slice(start, start + self.sizes[place])
        return ToyBatch(ids[chosen], labels[chosen])


def _still() -> Toy:
    model = Toy()
    model.dropout = nn.Identity()
    return model


def test_accumulation_is_the_mean_over_samples() -> None:
    whole, parts = _still(), _still()
    _, one = _train(whole, _Cut((12,)))
    _, three = _train(parts, _Cut((1, 8, 3)), accumulation=3)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    assert [step.loss for step in one] == pytest.approx([step.loss for step in three], rel=1e-5)
    assert [step.gradient_norm for step in one] == pytest.approx([s.gradient_norm for s in three], rel=1e-5)
    assert [(s.samples, s.pieces, s.epoch) for s in three] == [(12, 72, 1.0), (12, 72, 2.0), (12, 72, 3.0)]
    assert three[0].parts["half"] == pytest.approx(three[0].loss / 2)


def test_a_step_says_what_happened() -> None:
    state, made = _train(Toy(), ToyBatches(1, 4), schedule="linear", steps=4)
    assert [step.step for step in made] == [1, 2, 3, 4]
    assert [step.learning_rate for step in made] == pytest.approx([0.01, 0.0075, 0.005, 0.0025])
    assert state.progress.step == 4
    assert state.progress.samples == 16
    assert state.progress.pieces == 96
    assert state.progress.mean_loss == pytest.approx(sum(step.loss for step in made) / 4)
    assert all(step.seconds > 0 and not step.skipped for step in made)


def test_a_gradient_is_clipped_by_its_global_norm() -> None:
    free, clipped = _still(), _still()
    options: dict[str, Any] = {"optimizer": "sgd", "weight_decay": 0.0, "steps": 1, "momentum": 0.0}
    _, (step,) = _train(free, _Cut((12,)), clip=None, **options)
    _train(clipped, _Cut((12,)), clip=step.gradient_norm / 4, **options)
    for start, a, b in zip(_still().parameters(), free.parameters(), clipped.parameters(), strict=True):
        torch.testing.assert_close((b - start) * 4, a - start, rtol=1e-4, atol=1e-6)


def test_penalties_count_in_the_norm_and_pull_weights_down() -> None:
    plain, pulled = _still(), _still()
    _, (step,) = _train(plain, _Cut((12,)), steps=1, clip=None)
    _, (more,) = _train(pulled, _Cut((12,)), steps=1, clip=None, l2=10.0)
    assert more.loss == step.loss
    assert more.gradient_norm > step.gradient_norm
    assert pulled.output.weight.norm() < plain.output.weight.norm()


class _Drawing(nn.Module):
    """Keeps what the loop tells of where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Toy()
        self.draw = Draw()
        self.seen: list[tuple[Draw, float]] = []

    def forward(self, ids: Tensor) -> Tensor:
        self.seen.append((self.draw, float(torch.rand(()))))
        scores: Tensor = self.inner(ids)
        return scores


def test_what_is_drawn_follows_from_seed_and_step() -> None:
    first, second, other = _Drawing(), _Drawing(), _Drawing()
    _train(first, ToyBatches(1, 4), seed=9)
    torch.rand(100)
    _train(second, ToyBatches(1, 4), seed=9)
    _train(other, ToyBatches(1, 4), seed=10)
    assert [draw for draw, _ in first.seen] == [Draw(9, 0), Draw(9, 1), Draw(9, 2)]
    assert first.seen == second.seen
    numbers = {number for model in (first, other) for _, number in model.seen}
    assert len(numbers) == 6


def test_seed_reaches_every_module_that_draws() -> None:
    outer = nn.ModuleDict({"a": _Drawing(), "b": nn.Sequential(_Drawing())})
    seed(outer, 3, 4)
    assert all(m.draw == Draw(3, 4) for m in outer.modules() if isinstance(m, _Drawing))


def _poisoned(*bad: int, what: float = float("nan"), gradient_only: bool = False) -> Objective:
    """The toy objective, not finite in the steps named (from 0)."""
    calls = 0

    def cost(model: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        nonlocal calls
        loss, parts = objective(model, batch)
        if calls in bad:
            zero = next(model.parameters()).square().sum() * 0
            # The root's slope at 0 is infinite, and infinity times 0 is not a number.
            loss = loss + (zero.sqrt() if gradient_only else zero + what)
        calls += 1
        return loss, parts

    return cost


@pytest.mark.parametrize("what", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("gradient_only", [False, True])
def test_an_update_that_is_not_finite_is_skipped(what: float, gradient_only: bool) -> None:
    model = Toy()
    before: dict[str, Tensor] = {}
    poison = _poisoned(1, what=what, gradient_only=gradient_only)
    chosen = TrainSettings(learning_rate=0.01, warmup=0.0, steps=4)
    state = State(model, optimizer(chosen, model), Progress())
    for step in steps(state, poison, ToyBatches(1, 4), chosen):
        assert step.skipped == (step.step == 2)
        now = {**model.state_dict(), **state.optimizer.state_dict()}
        same = {name for name, tensor in now.items() if name in before and torch.equal(tensor, before[name])}
        assert same == (set(now) if step.skipped else set())
        assert all(tensor.isfinite().all() for tensor in now.values())
        before = {name: tensor.clone() for name, tensor in now.items()}
    assert state.progress.skipped == 1
    assert state.progress.skipped_in_a_row == 0
    assert state.progress.losses[1] == 3


def test_five_in_a_row_stop_training() -> None:
    with pytest.raises(ModelError, match=r"5 updates in a row, the last of them update 7; a lower"):
        _train(Toy(), ToyBatches(1, 4), _poisoned(2, 3, 4, 5, 6), steps=20)


def test_four_in_a_row_do_not() -> None:
    state, made = _train(Toy(), ToyBatches(1, 4), _poisoned(2, 3, 4, 5, 7, 8, 9, 10), steps=20)
    assert len(made) == 20
    assert state.progress.skipped == 8


def test_every_sample_once_an_epoch() -> None:
    seen: list[int] = []
    ids, _ = samples(0)
    batches = ToyBatches(1, 8)

    def spy(number: int) -> ToyBatch:
        batch = batches(number)
        seen.extend(int((ids == row).all(1).nonzero()[0]) for row in batch.ids)
        return batch

    spy.per_epoch = batches.per_epoch  # type: ignore[attr-defined]
    _train(Toy(), spy, steps=batches.per_epoch)  # type: ignore[arg-type]
    assert sorted(seen) == list(range(60))
