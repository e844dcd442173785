"""Pretraining in several processes: real ones, which are stopped, silenced and killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_pretraining import Place, Server, drawn, errors

from litebert.errors import UsageError
from litebert.training.checkpoint import latest
from litebert.training.distributed import place as place_of_process

LONG: dict[str, Any] = {"steps": 100_000, "save_steps": 1000}


def _weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model.safetensors")


def _apart(a: Path, b: Path) -> float:
    """The largest difference between two runs' weights."""
    ours, theirs = _weights(a), _weights(b)
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


def _rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def _logged(out: Path) -> int:
    """How many lines a run has logged."""
    log = out / "metrics.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _until_step(out: Path, lines: int, minutes: float = 2) -> None:
    """Waits until a run has logged so much."""
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        if _logged(out) >= lines:
            return
        time.sleep(0.01)
    raise AssertionError(errors(out))


def test_any_number_of_processes_makes_the_same_weights(
    starter: Server, place: Place, tmp_path: Path
) -> None:
    """50 updates with dropout, growing depth, a second loss and looks at dev."""
    options = place.options(steps=50, stack=["1:10"], also_at=[1], dev=str(place.dev), evaluate_every=25)
    for processes in (1, 2, 4):
        out = tmp_path / str(processes)
        assert starter.run(out, processes, **options) == [0] * processes, errors(out)
    alone = _rows(tmp_path / "1")
    for processes in (2, 4):
        out = tmp_path / str(processes)
        assert _apart(tmp_path / "1", out) < 1e-4
        for one, several in zip(alone, _rows(out), strict=True):
            exact = ("kind", "step", "samples", "pieces", "best", "skipped")
            assert {name: several.get(name) for name in exact} == {name: one.get(name) for name in exact}
            for name in {"loss", "gradient_norm", "train_loss"} & one.keys():
                assert several[name] == pytest.approx(one[name], rel=1e-4)
    judged = [[row["mlm"] for row in _rows(tmp_path / n) if row["kind"] == "dev"] for n in ("1", "2", "4")]
    assert judged[1] == pytest.approx(judged[0], rel=1e-4)
    assert judged[2] == pytest.approx(judged[0], rel=1e-4)


def test_with_a_teacher_too_and_shares_that_are_not_equal(
    starter: Server, place: Place, tmp_path: Path
) -> None:
    taught = tmp_path / "teacher"
    assert starter.run(taught, **place.options(steps=5)) == [0], errors(taught)
    pairs = tmp_path / "pairs.jsonl"
    said = [
        {"text": f"我的朋友喜欢苹果{n}", "translation": "My sister wanted it!" * (n + 1)} for n in range(5)
    ]
    pairs.write_text("".join(json.dumps(pair) + "\n" for pair in said))
    options = place.options(steps=12, teacher=str(taught), student=str(place.model), parallel=str(pairs))
    del options["model"]
    for processes in (1, 3):
        out = tmp_path / str(processes)
        assert starter.run(out, processes, **options) == [0] * processes, errors(out)
    assert _apart(tmp_path / "1", tmp_path / "3") < 1e-4


def test_with_another_number_of_processes_it_goes_on_with_the_same_samples(
    starter: Server, place: Place, tmp_path: Path
) -> None:
    """Stopped with 4 processes, gone on with 2, then with 1: each sample once, in its step."""
    whole, out = tmp_path / "whole", tmp_path / "run"
    options = place.options(steps=60, stack=["1:20"], progress="lines")
    assert starter.run(whole, **options) == [0]
    for processes, step in ((4, 6), (2, 25)):
        ranks = starter.start(out, processes, **options)
        _until_step(out, step)
        os.kill(ranks[-1], signal.SIGTERM)
        assert starter.wait() == [75] * processes, errors(out)
    assert starter.run(out, 1, **options) == [0], errors(out)
    batches = [sorted(range(8 * step, 8 * step + 8)) for step in range(60)]
    assert sorted(number for share in drawn(out) for number in share) == [n for b in batches for n in b]
    assert drawn(whole) == batches
    assert _apart(whole, out) < 1e-4
    said = errors(out)
    assert "machine.processes: 4 there, 2 here" in said
    assert "machine.processes: 2 there, (none) here" in said
    assert [row["step"] for row in _rows(out)] == list(range(1, 61))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_to_any_process_stops_all_after_the_same_update(
    starter: Server, place: Place, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "run"
    ranks = starter.start(out, 2, **place.options(**LONG))
    _until_step(out, 3)
    os.kill(ranks[1], number)
    assert starter.wait() == [code, code], errors(out)
    kept = latest(out / "checkpoint")
    assert kept is not None
    step = kept.progress.step
    assert f"stopped by {number.name} after update {step}; the state is saved" in errors(out)
    assert errors(out).count("the state is saved") == 1, "told once, not by each"
    assert _rows(out)[-1]["step"] == step
    shares = drawn(out)
    assert len(shares) == 2 * step, "no process has begun another update"


def test_a_stop_in_the_middle_of_judging(starter: Server, place: Place, tmp_path: Path) -> None:
    """Asked while dev is looked at, all break off, and the next processes look again."""
    options = place.options(steps=8, dev=str(place.dev), evaluate_every=1)
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert starter.run(whole, 2, **options) == [0, 0], errors(whole)
    for rank in (0, 1, 1):
        before = _logged(out)
        ranks = starter.start(out, 2, **options)
        _until_step(out, before + 1)
        os.kill(ranks[rank], signal.SIGTERM)
        assert starter.wait() in ([75, 75], [0, 0]), errors(out)
    assert starter.run(out, 2, **options) == [0, 0], errors(out)
    assert (out / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_time_budget_ends_in_all_at_once(starter: Server, place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert starter.run(out, 2, **place.options(**LONG, minutes=0.02)) == [0, 0], errors(out)
    results = json.loads((out / "results.json").read_text())
    assert len(drawn(out)) == 2 * results["updates"]
    kept = latest(out / "checkpoint")
    assert kept is not None and kept.progress.finished == "minutes"
    assert kept.progress.seconds >= 1.2


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_others_and_the_run_goes_on(
    starter: Server, place: Place, tmp_path: Path, rank: int
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    options = place.options(steps=30, save_steps=5)
    assert starter.run(whole, 2, **options) == [0, 0], errors(whole)
    ranks = starter.start(out, 2, **options)
    _until_step(out, 12)
    os.kill(ranks[rank], signal.SIGKILL)
    killed = time.monotonic()
    codes = starter.wait()
    assert time.monotonic() - killed < 10, "others do not wait for the dead"
    assert codes[rank] == -signal.SIGKILL and codes[1 - rank] == 75
    assert "another of the run's 2 processes has ended" in errors(out)
    assert "[lost]" in errors(out)
    assert starter.run(out, 2, **options) == [0, 0], errors(out)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_a_silent_process_is_taken_for_lost(starter: Server, place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ranks = starter.start(out, 2, **place.options(**LONG, wait=2.0))
    _until_step(out, 3)
    os.kill(ranks[1], signal.SIGSTOP)
    silent = time.monotonic()
    while "[lost]" not in errors(out):
        assert time.monotonic() - silent < 30
        time.sleep(0.05)
    assert time.monotonic() - silent > 1
    os.kill(ranks[1], signal.SIGCONT)
    assert starter.wait() == [75, 75], errors(out)
    assert "has not answered for 2 s" in errors(out)
    kept = latest(out / "checkpoint")
    assert kept is not None and kept.progress.step == _rows(out)[-1]["step"], "nothing is lost"


def test_what_is_wrong_is_told_once(starter: Server, place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert starter.run(out, 2, **place.options(length=3)) == [2, 2]
    assert errors(out).count("[usage]") == 1 and "length is 3" in errors(out)
    assert not (out / "checkpoint").exists()
    few = tmp_path / "few"
    assert starter.run(few, 4, **place.options(batch_size=3)) == [2] * 4
    assert "3 samples at a time cannot be shared by 4 processes" in errors(few)
    assert errors(few).count("[usage]") == 1
    other = tmp_path / "other"
    assert starter.run(other, 2, **place.options(steps=2)) == [0, 0], errors(other)
    assert starter.run(other, 2, **place.options(steps=3)) == [2, 2]
    assert "settings.steps: 2 there, 3 here" in errors(other)


def test_processes_that_were_told_different_things(starter: Server, place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = place.options(by_rank={"1": {"seed": 9}})
    assert starter.run(out, 2, **options) == [2, 2]
    assert "process 1 was started with another run than process 0" in errors(out)
    assert "settings.seed: 1 there, 9 here" in errors(out)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks memory up in /proc")
def test_memory_is_flat_over_a_thousand_updates(starter: Server, place: Place, tmp_path: Path) -> None:
    """Once kernels for all lengths of batches are there, which torch keeps: from the 1,400th on."""
    out = tmp_path / "run"
    ranks = starter.start(out, 2, **place.options(steps=2500, save_steps=100))
    seen: dict[int, list[int]] = {}
    for step in range(1400, 2401, 100):
        _until_step(out, step, minutes=20)
        seen[step] = [_resident(rank) for rank in ranks]
    assert starter.wait() == [0, 0], errors(out)
    for rank in (0, 1):
        early = max(seen[step][rank] for step in (1400, 1500, 1600))
        late = max(seen[step][rank] for step in (2200, 2300, 2400))
        assert late < 1.01 * early, seen


def _resident(process: int) -> int:
    """KB of memory that a process has."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "2", "WORLD_SIZE": "2"},
        {"RANK": "0"},
        {"WORLD_SIZE": "2"},
        {"RANK": "-1", "WORLD_SIZE": "2"},
        {"RANK": "x", "WORLD_SIZE": "y"},
    ],
    ids=str,
)
def test_an_environment_that_is_no_place(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert place_of_process() == (0, 1)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="torchrun sets them both"):
        place_of_process()
