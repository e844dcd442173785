"""Processes killed, asked to stop and started twice: real ones, with real signals."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_run

from litebert.errors import UsageError
from litebert.training.checkpoint import latest

TOY = Path(__file__).with_name("toy_run.py")
RUN = {"save_steps": 1, "steps": 40}
VARIANTS: list[dict[str, Any]] = [
    {**RUN},
    {**RUN, "optimizer": "lamb", "accumulation": 2, "schedule": "cosine"},
    {**RUN, "optimizer": "sgd", "schedule": "plateau", "early_stopping": True},
]


class Server:
    """Forks a training process for each thing asked; torch is imported once for all."""

    def __init__(self) -> None:
        command = [sys.executable, str(TOY), "--serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, out: Path, **asked: Any) -> int:
        """Starts a training and gives its process id."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps({"out": str(out), **asked}), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """The exit code of what was started; minus the signal if one killed it."""
        assert self.process.stdin and self.process.stdout
        print("wait", file=self.process.stdin, flush=True)
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))

    def run(self, out: Path, **asked: Any) -> int:
        self.start(out, **asked)
        return self.wait()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def _result(out: Path) -> tuple[bytes, dict[str, bytes], int]:
    """The log, the weights and the optimiser's state, byte for byte."""
    with np.load(out / "weights.npz") as held:
        weights = {name: held[name].tobytes() for name in held.files}
    kept = latest(out / "checkpoint")
    assert kept is not None
    for name in ("model", "optimizer", "best"):
        weights |= {f"{name}/{k}": t.numpy().tobytes() for k, t in getattr(kept, name).items()}
    return (out / "metrics.jsonl").read_bytes(), weights, kept.progress.step


def _kill_until_done(server: Server, out: Path, settings: dict[str, Any], chance: random.Random) -> int:
    """Kills a training at random moments, starting it again each time; gives how often."""
    kills, most = 0, 0.1
    while True:
        process = server.start(out, settings=settings, stderr=str(out) + ".err")
        time.sleep(chance.uniform(0, most))
        os.kill(process, signal.SIGKILL)
        code = server.wait()
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, Path(str(out) + ".err").read_text()
        kills += 1
        most *= 1.1  # So that a slow machine gets on, too.


def _kills(server: Server, tmp_path: Path, wanted: int) -> None:
    results = []
    for number, settings in enumerate(VARIANTS):
        out = tmp_path / f"whole-{number}"
        assert server.run(out, settings=settings, stderr=str(out) + ".err") == 0
        results.append(_result(out))
    chance, kills, runs = random.Random(11), 0, 0
    while kills < wanted:
        variant = runs % len(VARIANTS)
        out = tmp_path / str(runs)
        kills += _kill_until_done(server, out, VARIANTS[variant], chance)
        assert _result(out) == results[variant], out
        runs += 1


def test_killed_at_random_moments_it_ends_in_the_same_bits(server: Server, tmp_path: Path) -> None:
    _kills(server, tmp_path, 40)


@pytest.mark.slow
def test_killed_very_often_it_ends_in_the_same_bits(server: Server, tmp_path: Path) -> None:
    _kills(server, tmp_path, 200)


def _wait_for_a_checkpoint(out: Path) -> None:
    for _ in range(1000):
        if any(out.glob("checkpoint/state-*")):
            return
        time.sleep(0.01)
    raise AssertionError("training did not start")


LONG = {"settings": {"steps": 100_000, "save_steps": 50}}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_saves_and_ends(server: Server, tmp_path: Path, number: signal.Signals, code: int) -> None:
    out, errors = tmp_path / "run", tmp_path / "errors"
    process = server.start(out, **LONG, stderr=str(errors))
    _wait_for_a_checkpoint(out)
    os.kill(process, number)
    asked = time.monotonic()
    assert server.wait() == code
    assert time.monotonic() - asked < 10
    kept = latest(out / "checkpoint")
    assert kept is not None
    said = f"stopped by {number.name} after update {kept.progress.step}; the state is saved in {out}"
    assert said in errors.read_text()
    logged = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert max(row["step"] for row in logged) == kept.progress.step


def test_stopped_and_started_again_it_ends_in_the_same_bits(server: Server, tmp_path: Path) -> None:
    settings = {"steps": 40}
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert server.run(whole, settings=settings, stderr=os.devnull) == 0
    for pause in (0.01, 0.05, 0.02, 0.1):
        process = server.start(out, settings=settings, slow=0.01, stderr=os.devnull)
        while not (out / "metrics.jsonl").exists():
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(process, signal.SIGTERM)
        assert server.wait() in (0, 75, -signal.SIGTERM)  # The last, if it came before training began.
    assert server.run(out, settings=settings, stderr=os.devnull) == 0
    assert _result(out)[:2] == _result(whole)[:2]


def test_the_second_ctrl_c_ends_at_once(server: Server, tmp_path: Path) -> None:
    """In the middle of a step that takes half a minute."""
    out = tmp_path / "run"
    process = server.start(out, **LONG, slow=30.0, stderr=str(tmp_path / "errors"))
    while not (out / "metrics.jsonl").exists() or not (out / "metrics.jsonl").read_bytes():
        time.sleep(0.01)
    os.kill(process, signal.SIGINT)
    time.sleep(0.1)
    os.kill(process, signal.SIGINT)
    asked = time.monotonic()
    assert server.wait() == 130
    assert time.monotonic() - asked < 1
    assert "again to stop at once" in (tmp_path / "errors").read_text()
    assert latest(out / "checkpoint") is None


def test_a_signal_breaks_off_judging(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = server.start(out, settings={"steps": 21}, slow_dev=30.0, stderr=str(tmp_path / "errors"))
    while not (out / "metrics.jsonl").exists() or b'"step": 7' not in (out / "metrics.jsonl").read_bytes():
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process, signal.SIGTERM)
    asked = time.monotonic()
    assert server.wait() == 75
    assert time.monotonic() - asked < 5
    whole = tmp_path / "whole"
    assert server.run(whole, settings={"steps": 21}, stderr=os.devnull) == 0
    assert server.run(out, settings={"steps": 21}, stderr=os.devnull) == 0
    assert _result(out) == _result(whole)


def test_two_in_one_folder(server: Server, tmp_path: Path) -> None:
    """The second is refused while the first lives; a dead one's lock is taken over."""
    out, errors = tmp_path / "run", tmp_path / "errors"
    first = server.start(out, **LONG, stderr=os.devnull)
    _wait_for_a_checkpoint(out)
    with pytest.raises(UsageError, match=f"another training is running .* {out} .process {first}.") as caught:
        toy_run.run(out, LONG["settings"])
    assert caught.value.exit_code == 2
    os.kill(first, signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    third = server.start(out, **LONG, stderr=str(errors))
    _wait_for_a_checkpoint(out)
    time.sleep(0.3)
    os.kill(third, signal.SIGTERM)
    assert server.wait() == 75
    assert "Going on from update" in errors.read_text()


def test_another_run_in_the_folder_is_refused(server: Server, tmp_path: Path) -> None:
    out, errors = tmp_path / "run", tmp_path / "errors"
    assert server.run(out, settings={"steps": 2}, stderr=os.devnull) == 0
    assert server.run(out, settings={"steps": 3, "seed": 9}, data="edited", stderr=str(errors)) == 2
    said = errors.read_text()
    for difference in (
        "settings.steps: 2 there, 3 here",
        "settings.seed: 1 there, 9 here",
        "data: toy there, edited here",
    ):
        assert difference in said
    assert "--overwrite" in said
    assert server.run(out, settings={"steps": 2, "save_steps": 1}, stderr=os.devnull) == 0, "harmless"
