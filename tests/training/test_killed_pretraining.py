"""Pretraining killed at random moments, in one process and in two: it ends in the same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_pretraining import Place, Server, errors

from litebert.training.checkpoint import latest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks processes up in /proc")
RUN: dict[str, Any] = {"steps": 12, "save_steps": 1, "batch_size": 4}


def _variants(place: Place) -> list[tuple[int, dict[str, Any]]]:
    """Numbers of processes, and options."""
    return [
        (1, place.options(**RUN, stack=["1:6"], also_at=[1])),
        (1, place.options(**RUN, accumulation=2, dev=str(place.dev), evaluate_every=4)),
        (2, place.options(**RUN, sentences="none", optimizer="adamw")),
    ]


def _result(out: Path) -> dict[str, bytes]:
    """The log, the weights and the optimiser's state, byte for byte."""
    kept = latest(out / "checkpoint")
    assert kept is not None
    state = {name: tensor.numpy().tobytes() for name, tensor in kept.optimizer.items()}
    return state | {name: (out / name).read_bytes() for name in ("metrics.jsonl", "model.safetensors")}


def _kill_until_done(starter: Server, out: Path, variant: Any, chance: random.Random) -> int:
    """Kills a run's processes at random moments, starting it again each time; gives how often.

    One of them goes first. The others end by themselves where they had met; if they wait for it to come they
    are killed, too, which is what torchrun does.
    """
    (processes, options), kills, most = variant, 0, 0.5
    while True:
        ranks = starter.start(out, processes, **options)
        time.sleep(chance.uniform(0, most))
        killed = chance.randrange(processes)
        os.kill(ranks[killed], signal.SIGKILL)
        _end(ranks)
        codes = starter.wait()
        if codes == [0] * processes:
            return kills
        assert codes[killed] in (0, -signal.SIGKILL), errors(out)
        others = [code for rank, code in enumerate(codes) if rank != killed]
        assert set(others) <= {0, 75, -signal.SIGKILL}, errors(out)
        kills += 1
        most *= 1.05  # So that a slow machine gets on, too.


def _end(ranks: list[int]) -> None:
    """Gives processes some time to end, and kills those that have not."""
    until = time.monotonic() + 3
    while time.monotonic() < until and not all(map(_ended, ranks)):
        time.sleep(0.01)
    for rank in ranks:
        os.kill(rank, signal.SIGKILL)


def _ended(process: int) -> bool:
    """Whether there is nothing left of it but its exit code."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _kills(starter: Server, place: Place, tmp_path: Path, wanted: int) -> None:
    variants = _variants(place)
    results = []
    for number, (processes, options) in enumerate(variants):
        out = tmp_path / f"whole-{number}"
        assert starter.run(out, processes, **options) == [0] * processes, errors(out)
        results.append(_result(out))
    chance, kills, runs = random.Random(7), 0, 0
    while kills < wanted:
        out = tmp_path / str(runs)
        kills += _kill_until_done(starter, out, variants[runs % len(variants)], chance)
        assert _result(out) == results[runs % len(variants)], out
        assert json.loads((out / "results.json").read_text())["updates"] == RUN["steps"]
        runs += 1


def test_killed_at_random_moments_it_ends_in_the_same_bits(
    starter: Server, place: Place, tmp_path: Path
) -> None:
    _kills(starter, place, tmp_path, 40)


@pytest.mark.slow
def test_killed_very_often_it_ends_in_the_same_bits(starter: Server, place: Place, tmp_path: Path) -> None:
    _kills(starter, place, tmp_path, 200)
