"""The loop with the real encoder, a real task and packed batches: dropout by counter, both precisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from watchers import asked_after

from litebert.data.batches import Batches
from litebert.data.encoded import Encoded, encode_all
from litebert.data.example import Example, Place
from litebert.model.config import EncoderConfig
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text
from litebert.training.checkpoint import latest
from litebert.training.events import Watcher
from litebert.training.fit import Job, fit
from litebert.training.interrupts import StoppedError
from litebert.training.objectives.finetuning import Finetuning
from litebert.training.progress import Verdict
from litebert.training.report.metrics import metrics_log
from litebert.training.settings import TrainSettings
from words import Words

CONFIG = EncoderConfig(
    vocabulary=200,
    embedding=16,
    hidden=32,
    heads=2,
    intermediate=64,
    attention=(0, 0),
    feedforward=(0, 0),
    positions=64,
    hidden_dropout=0.1,
    attention_dropout=0.1,
)
TASK = Classification(labels=("even", "odd"))


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    """Texts of 3 to 30 words that say whether they are good, among others that say nothing."""
    random, rows = np.random.default_rng(4), []
    for number in range(80):
        words = [f"w{n}" for n in random.integers(0, 60, random.integers(3, 30))]
        words[random.integers(len(words))] = "good" if number % 2 else "bad"
        rows.append(Example(Text(" ".join(words)), Label(TASK.labels[number % 2]), Place("made", number)))
    return encode_all(TASK, Words(), rows)


def _model(precision: torch.dtype) -> Model:
    torch.manual_seed(0)
    model = Model(Encoder(CONFIG), TASK.head(CONFIG))
    model.encoder.dtype = precision
    return model


def _job(encoded: Encoded, **settings: Any) -> Job:
    usual: dict[str, Any] = {"learning_rate": 3e-3, "batch_size": 8, "steps": 24, "evaluate_every": 9}
    chosen = TrainSettings(**{**usual, "early_stopping": False, "threads": 1, **settings})
    batch = encoded.batch(np.arange(len(encoded)))

    def evaluate(model: nn.Module) -> Verdict:
        answers = model(batch.packed)["logits"].argmax(1)
        return Verdict({"accuracy": float((answers == batch.targets["label"]).float().mean())})

    return Job(
        objective=Finetuning(TASK),
        batches=Batches(encoded, 8, chosen.seed),
        settings=chosen,
        evaluate=evaluate,
        chief="accuracy",
    )


def _run(folder: Path, job: Job, precision: torch.dtype, *watch: Watcher) -> tuple[bytes, dict[str, Tensor]]:
    folder.mkdir(exist_ok=True)
    fit(_model(precision), job, folder, watch=[metrics_log(folder / "log"), *watch])
    kept = latest(folder / "checkpoint")
    assert kept is not None
    held = {
        f"{part}/{n}": t for part in ("model", "optimizer", "best") for n, t in getattr(kept, part).items()
    }
    return (folder / "log").read_bytes(), held


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("settings", [{}, {"optimizer": "lamb", "accumulation": 4, "steps": 10}], ids=str)
def test_going_on_is_exact(
    tmp_path: Path, encoded: Encoded, precision: torch.dtype, settings: dict[str, Any]
) -> None:
    made = _job(encoded, **settings)
    log, wanted = _run(tmp_path / "whole", made, precision)
    for stop in (1, 4, 9):
        folder = tmp_path / str(stop)
        with pytest.raises(StoppedError):
            _run(folder, made, precision, asked_after(stop))
        again, found = _run(folder, made, precision)
        assert again == log
        assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


def test_the_real_model_learns(tmp_path: Path, encoded: Encoded) -> None:
    progress = fit(_model(torch.float32), _job(encoded, steps=120, evaluate_every=40), tmp_path)
    assert progress.best is not None and progress.best.score > 0.9


def test_the_seed_counts(tmp_path: Path, encoded: Encoded) -> None:
    logs = {_run(tmp_path / str(seed), _job(encoded, seed=seed), torch.float32)[0] for seed in (1, 2)}
    assert len(logs) == 2


def test_parts_of_a_batch_meet_the_same_dropout(tmp_path: Path, encoded: Encoded) -> None:
    """Dropout is drawn by the sample, so four quarters of a batch give the gradient of the whole."""
    whole = _job(encoded, batch_size=32, steps=5)
    order = Batches(encoded, 32, 1)
    quarters = replace(whole, settings=replace(whole.settings, accumulation=4), batches=_Quarters(order))
    whole = replace(whole, batches=order)
    _, one = _run(tmp_path / "whole", whole, torch.float32)
    _, four = _run(tmp_path / "quarters", quarters, torch.float32)
    for name in (name for name in one if name.startswith("model/")):
        torch.testing.assert_close(one[name], four[name], rtol=2e-3, atol=2e-4)


class _Quarters:
    """Each batch of another source in four parts."""

    def __init__(self, whole: Batches) -> None:
        self.whole = whole
        self.per_epoch = 4 * whole.per_epoch

    def __call__(self, number: int) -> Any:
        drawn = self.whole.drawn(number // 4)
        return self.whole.encoded.batch(np.array_split(drawn, 4)[number % 4])
