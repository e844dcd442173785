from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from litebert.errors import UsageError
from litebert.training.settings import HARMLESS, TrainSettings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be more than 0, but is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be more than 0, but is nan"),
        ({"learning_rate": float("inf")}, "learning_rate may be 1e.18 at most"),
        ({"l1": 1e300}, "l1 may be 1e.18 at most, but is 1e.300"),
        ({"seed": 2**70}, "seed may be 1e.18 at most"),
        ({"threads": 100_000}, "threads may be 1024 at most, but is 100000"),
        ({"batch_size": 0}, "batch_size must be at least 1, but is 0"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"clip": 0.0}, "clip must be more than 0"),
        ({"warmup": 1.0}, "warmup must be from 0 to below 1, but is 1.0"),
        ({"weight_decay": -0.1}, "weight_decay must be 0 or more, but is -0.1"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"batch_size": 2.5}, "batch_size must be a whole number, but is 2.5"),
        ({"patience": float("inf")}, "patience must be a whole number, but is inf"),
        ({"steps": True}, "steps must be a whole number, but is True"),
        ({"epochs": "3"}, "epochs must be a number, but is '3'"),
        ({"warmup": None}, "warmup must be a number, but is None"),
        ({"early_stopping": 1}, "early_stopping must be True or False, but is 1"),
        ({"optimizer": "adam"}, "no optimizer is named 'adam'; did you mean 'adamw'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainSettings(**given)


def test_a_number_is_the_same_however_it_is_written() -> None:
    whole = TrainSettings(epochs=3, clip=1, steps=100.0)  # type: ignore[arg-type]
    assert whole == TrainSettings(epochs=3.0, clip=1.0, steps=100)
    assert whole.fingerprint() == TrainSettings(epochs=3.0, clip=1.0, steps=100).fingerprint()


def test_epochs_become_updates() -> None:
    assert TrainSettings(epochs=3).updates(100) == 300
    assert TrainSettings(epochs=3, accumulation=4).updates(100) == 75
    assert TrainSettings(epochs=0.001).updates(100) == 1
    assert TrainSettings(steps=7).updates(100) == 7


def test_dev_is_judged_once_an_epoch_or_as_told() -> None:
    assert TrainSettings(accumulation=4).judging_interval(100) == 25
    assert TrainSettings(evaluate_every=7).judging_interval(100) == 7


def test_the_fingerprint_holds_all_but_the_harmless() -> None:
    names = {field.name for field in fields(TrainSettings)}
    assert names >= HARMLESS
    assert set(TrainSettings().fingerprint()) == names - HARMLESS


def test_torch_is_not_needed_for_help() -> None:
    code = "import sys, litebert.training.settings; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_left_out_is_filled_in() -> None:
    filled = TrainSettings(batch_size=8).filled(learning_rate=0.1, batch_size=32, epochs=2)
    assert (filled.peak, filled.batch_size, filled.epochs) == (0.1, 8, 2)
    for missing in (lambda: TrainSettings().peak, lambda: TrainSettings().updates(10)):
        with pytest.raises(UsageError, match="must be given, or filled in by a preset"):
            missing()
