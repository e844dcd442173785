"""Whole runs of the toy: what stops them, what is kept, and that going on is exact to the bit."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_run import CLASSES, Toy, evaluate, job, samples
from watchers import asked_after, keeping

from litebert.errors import LitebertError, ModelError
from litebert.training.checkpoint import latest
from litebert.training.events import (
    Event,
    Finished,
    Judged,
    NotSaved,
    Restarted,
    Saved,
    Saving,
    Started,
    Watcher,
)
from litebert.training.fit import Job, fit
from litebert.training.interrupts import StoppedError
from litebert.training.loop import Step
from litebert.training.progress import Progress, Verdict
from litebert.training.report.metrics import metrics_log


class _GoneError(Exception):
    """The process ends here."""


def _gone_after(count: int, kind: type = Step) -> Watcher:
    """Ends the run when the event number `count` of a kind has been passed on."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        seen = 0
        for event in events:
            yield event
            seen += isinstance(event, kind)
            if seen == count:
                raise _GoneError

    return watch


def _run(
    folder: Path, made: Job, *watch: Watcher, model: nn.Module | None = None
) -> tuple[nn.Module, Progress]:
    model = model or Toy()
    folder.mkdir(exist_ok=True)
    return model, fit(model, made, folder, watch=[metrics_log(folder / "metrics.jsonl"), *watch])


def _final(folder: Path, model: nn.Module) -> tuple[bytes, dict[str, Tensor]]:
    """All that must be the same: log, weights, optimiser, best, and the progress but for its clock."""
    kept = latest(folder / "checkpoint")
    assert kept is not None
    held = {f"model/{k}": v for k, v in model.state_dict().items()}
    for name in ("model", "optimizer", "best"):
        held |= {f"{name}/{k}": v for k, v in getattr(kept, name).items()}
    return (folder / "metrics.jsonl").read_bytes() + str(replace(kept.progress, seconds=0.0)).encode(), held


def _same(a: tuple[bytes, dict[str, Tensor]], b: tuple[bytes, dict[str, Tensor]]) -> bool:
    return a[0] == b[0] and a[1].keys() == b[1].keys() and all(torch.equal(a[1][k], b[1][k]) for k in a[1])


VARIANTS: dict[str, dict[str, Any]] = {
    "adamw": {},
    "accumulation 4, lamb, cosine": {"accumulation": 4, "optimizer": "lamb", "schedule": "cosine"},
    "muon": {"optimizer": "muon"},
    "sgd, plateau, l1, l2": {"optimizer": "sgd", "schedule": "plateau", "l1": 1e-3, "l2": 1e-3},
    "early stopping": {"early_stopping": True, "patience": 4, "evaluate_every": 5},
    "cyclic, seed": {"schedule": "cyclic", "seed": 7},
    "google, no correction": {"schedule": "google", "bias_correction": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_going_on_from_any_step_is_exact(tmp_path: Path, variant: str) -> None:
    _from_each_step(tmp_path, job(**VARIANTS[variant]), every=11)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_going_on_from_every_step_is_exact(tmp_path: Path, variant: str) -> None:
    _from_each_step(tmp_path, job(**VARIANTS[variant]), every=1)


def _from_each_step(tmp_path: Path, made: Job, every: int) -> None:
    whole, through = _run(tmp_path / "whole", made)
    wanted = _final(tmp_path / "whole", whole)
    for stop in range(1, through.step, every):
        folder = tmp_path / str(stop)
        with pytest.raises(StoppedError):
            _run(folder, made, asked_after(stop))
        events: list[Event] = []
        model, _ = _run(folder, made, keeping(events))
        assert isinstance(events[0], Started)
        assert events[0].progress.step == stop, "it really went on"
        assert _same(_final(folder, model), wanted), stop


@pytest.mark.parametrize("kind", [Judged, Saving, Saved])
def test_going_on_between_judging_and_saving_is_exact(tmp_path: Path, kind: type) -> None:
    made = job(save_steps=10)
    whole, _ = _run(tmp_path / "whole", made)
    wanted = _final(tmp_path / "whole", whole)
    for count in (1, 3):
        folder = tmp_path / str(count)
        with pytest.raises(_GoneError):
            _run(folder, made, _gone_after(count, kind))
        assert _same(_final(folder, _run(folder, made)[0]), wanted)


def test_the_model_left_is_the_best_on_dev(tmp_path: Path) -> None:
    weights: dict[int, dict[str, Tensor]] = {}

    def keep(model: nn.Module, step: int) -> None:
        weights[step] = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    model, told = Toy(), []

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Judged):
                keep(model, event.judgement.step)
                told.append((event.best, event.equal))
            yield event

    scores = iter([0.1, 0.2, 0.4, 0.3, 0.4, 0.3, 0.2])
    made = replace(job(), evaluate=lambda _: Verdict({"accuracy": next(scores)}))
    _, progress = _run(tmp_path, made, watch, model=model)
    assert [j.step for j in progress.history] == [7, 14, 21, 28, 35, 42, 48]
    better, equal, worse = (True, False), (True, True), (False, False)
    assert told == [better, better, better, worse, equal, worse, worse]
    assert progress.best is not None and progress.best.step == 35
    assert all(torch.equal(t, weights[progress.best.step][n]) for n, t in model.state_dict().items())


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first, done = _run(tmp_path, job())
    events: list[Event] = []
    second, again = _run(tmp_path, job(), keeping(events))
    assert again == done
    assert [type(event) for event in events] == [Started, Finished]
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_training_ends_when_dev_has_not_been_better_for_long(tmp_path: Path) -> None:
    scores = iter([0.5, 0.6, 0.6, 0.55, 0.1, 0.9])
    made = replace(
        job(early_stopping=True, patience=3, evaluate_every=2),
        evaluate=lambda _: Verdict({"accuracy": next(scores)}),
    )
    _, progress = _run(tmp_path, made)
    assert (progress.finished, progress.step) == ("patience", 10)
    assert progress.best is not None and progress.best.step == 6, "the later of two that are equal"


def test_a_measure_that_is_still_0_does_not_end_the_run(tmp_path: Path) -> None:
    early = job(early_stopping=True, patience=2, steps=20, evaluate_every=2)
    _, progress = _run(tmp_path, replace(early, evaluate=lambda _: Verdict({"accuracy": 0.0})))
    assert (progress.finished, progress.step) == ("steps", 20)


def test_a_time_budget_ends_the_run_with_a_judgement(tmp_path: Path) -> None:
    _, progress = _run(tmp_path, job(steps=100_000, minutes=0.01, evaluate_every=100_000))
    assert progress.finished == "minutes"
    assert 0.6 <= progress.seconds < 5
    assert [judgement.step for judgement in progress.history] == [progress.step]
    assert latest(tmp_path / "checkpoint") is not None


def test_without_dev_the_last_weights_are_the_result(tmp_path: Path) -> None:
    model, progress = _run(tmp_path, replace(job(), evaluate=None))
    kept = latest(tmp_path / "checkpoint")
    assert progress.best is None
    assert kept is not None and not kept.best
    assert torch.equal(kept.model["output.weight"], model.state_dict()["output.weight"])


def test_saved_by_the_clock(tmp_path: Path) -> None:
    events: list[Event] = []
    _run(tmp_path, job(save_minutes=1e-9), keeping(events))
    assert sum(isinstance(event, Saved) for event in events) == 48
    events.clear()
    _run(tmp_path / "seldom", job(), keeping(events))
    assert sum(isinstance(event, Saved) for event in events) == 1


STEEP, VIOLENT = 15.0, 0.2


class _Fragile(Toy):
    """A toy that answers only as long as `edge`, a weight of its own, stands near 0.

    `_fragile` gives that weight x the slope `STEEP`·x / √(1 + x²). At a learning rate below 2 / `STEEP`
    descent takes it to 0. At `VIOLENT`, above that, it jumps across 0, ever further, to where √(1 + x²) is
    half of `VIOLENT`·`STEEP`, and there it stays: every score is 0 then, and the loss ln(classes). At half of
    `VIOLENT` nothing of this happens, however a chip rounds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.edge = nn.Parameter(torch.tensor(0.1))

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids) * (self.edge.abs() < 0.5)

    def slope(self) -> Tensor:
        """Nothing, but with a gradient."""
        height = STEEP * (1 + self.edge.square()).sqrt()
        return height - height.detach()


def _fragile(**more: Any) -> Job:
    usual: dict[str, Any] = {"steps": 250, "evaluate_every": 50, "batch_size": 20, "save_steps": 50}
    violent = {"learning_rate": VIOLENT, "optimizer": "sgd", "momentum": 0.0, "schedule": "constant"}
    made = job(**{**usual, **violent, "clip": None, "weight_decay": 0.0, **more})

    def objective(model: Any, batch: Any) -> tuple[Tensor, Any]:
        loss, parts = made.objective(model, batch)
        return loss + model.slope(), parts

    return replace(made, objective=objective)


def test_a_collapsed_run_begins_again_lower(tmp_path: Path) -> None:
    events: list[Event] = []
    model, progress = _run(tmp_path, _fragile(), keeping(events), model=_Fragile())
    (restart,) = [event for event in events if isinstance(event, Restarted)]
    assert (restart.attempt, restart.learning_rate) == (1, VIOLENT / 2)
    assert restart.loss == pytest.approx(math.log(CLASSES), abs=1e-4), "knowing nothing"
    assert (progress.attempt, progress.step) == (1, 250)
    assert progress.history[-1].loss < 0.95 * math.log(CLASSES), "better than knowing nothing"
    assert not evaluate(model).constant
    assert progress.samples == 20 * (150 + 250), "all attempts count"


def test_without_the_guard_it_stays_collapsed(tmp_path: Path) -> None:
    _, progress = _run(tmp_path, _fragile(collapse_guard=False), model=_Fragile())
    assert progress.attempt == 0
    assert progress.history[-1].constant


def test_the_guard_gives_up(tmp_path: Path) -> None:
    hopeless = job(learning_rate=1e-9, steps=1000, evaluate_every=60, early_stopping=True)
    made = replace(hopeless, evaluate=lambda _: Verdict({"accuracy": 1 / 3}, constant=True))
    _, progress = _run(tmp_path, made)
    assert progress.attempt == 3
    assert (progress.finished, progress.step) == ("patience", 240)


def test_going_on_through_a_collapse_is_exact(tmp_path: Path) -> None:
    whole, _ = _run(tmp_path / "whole", _fragile(), model=_Fragile())
    wanted = _final(tmp_path / "whole", whole)
    for kind, count in ((Step, 149), (Restarted, 1), (Step, 230), (Saved, 4)):
        folder = tmp_path / f"{kind.__name__}{count}"
        with pytest.raises(_GoneError):
            _run(folder, _fragile(), _gone_after(count, kind), model=_Fragile())
        model, _ = _run(folder, _fragile(), model=_Fragile())
        assert _same(_final(folder, model), wanted), (kind, count)


def test_training_that_diverges_keeps_the_best(tmp_path: Path) -> None:
    made, sane = job(), job().objective

    switched = {"on": False}

    def objective(model: nn.Module, batch: Any) -> tuple[Tensor, Any]:
        loss, parts = sane(model, batch)
        return (loss * float("nan") if switched["on"] else loss), parts

    def switch(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            switched["on"] = isinstance(event, Step) and event.step >= 16
            yield event

    with pytest.raises(ModelError, match="5 updates in a row"):
        _run(tmp_path, replace(made, objective=objective), switch)
    kept = latest(tmp_path / "checkpoint")
    assert kept is not None
    assert kept.progress.best is not None
    assert all(tensor.isfinite().all() for held in (kept.best, kept.model) for tensor in held.values())
    assert len(kept.best) == len(kept.model)


def test_a_full_disk_does_not_end_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    real, full = os.fsync, {"now": False}

    def fsync(file: int) -> None:
        if full["now"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    def fill(inner: Iterator[Event]) -> Iterator[Event]:
        for event in inner:
            events.append(event)
            yield event
            # Full while the states after updates 20 to 30 are saved.
            full["now"] = isinstance(event, Saving) and 20 <= _last_step(events) <= 30

    monkeypatch.setattr(os, "fsync", fsync)
    _, progress = _run(tmp_path, job(save_steps=5), fill)
    assert progress.finished == "steps"
    failures = [event for event in events if isinstance(event, NotSaved)]
    assert len(failures) == 3
    assert "No space left on device" in failures[0].message


def _last_step(events: list[Event]) -> int:
    return max((event.step for event in events if isinstance(event, Step)), default=0)


def test_a_full_disk_at_the_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(_GoneError):
        _run(tmp_path, job(save_steps=20), _gone_after(45))
    with monkeypatch.context() as patched:
        patched.setattr(os, "mkdir", full)
        with pytest.raises(LitebertError, match=r"cannot save .*No space left") as caught:
            fit(Toy(), job(), tmp_path)
    assert caught.value.code == "disk"
    kept = latest(tmp_path / "checkpoint")
    assert kept is not None and kept.progress.step == 40


def test_damage_is_told_and_the_run_goes_on_from_before(tmp_path: Path) -> None:
    whole, _ = _run(tmp_path / "whole", job())
    with pytest.raises(_GoneError):
        _run(tmp_path, job(save_steps=6), _gone_after(20))
    newest = sorted((tmp_path / "checkpoint").glob("state-*"))[-1]
    (newest / "optimizer.safetensors").write_bytes(b"")
    events: list[Event] = []
    model, _ = _run(tmp_path, job(), keeping(events))
    started = events[0]
    assert isinstance(started, Started)
    assert started.progress.step == 12
    assert newest.name in started.complaints[0]
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), model.parameters(), strict=True))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    _run(tmp_path, job())
    with pytest.raises(ModelError, match="another model"):
        fit(_Fragile(), job(), tmp_path)


def test_the_loop_is_consumed_lazily(tmp_path: Path) -> None:
    """Dev sees the model as it was at that step: nothing is trained ahead of who looks on."""
    ids, _ = samples(1)
    at: list[Tensor] = []
    model = Toy()

    def look(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Step) and event.step in (7, 14):
                model.eval()
                at.append(model(ids).detach())
            yield event

    verdicts: list[Tensor] = []

    def judged(model: nn.Module) -> Verdict:
        verdicts.append(model(ids).detach())
        return Verdict({"accuracy": 0.0})

    _run(tmp_path, replace(job(), evaluate=judged), look, model=model)
    assert torch.equal(at[0], verdicts[0])
    assert torch.equal(at[1], verdicts[1])
