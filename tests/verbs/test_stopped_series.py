"""Folds, searches and compression, killed or asked to stop and begun again: real processes and signals."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import Server
from test_stops import kill_until_done, wait_for

import litebert
from litebert.errors import UsageError
from small_runs import FAST, Runs


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def flags(**options: object) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


def training(runs: Runs, verb: str, out: Path, **more: object) -> list[str]:
    fast = {name: FAST[name] for name in ("batch_size", "threads", "precision")}
    data = {"train": runs.data("classification"), "model": runs.model, "task": "classification"}
    return [verb, *flags(**data, **fast, out=out, **{"save_steps": 1, "progress": "lines", **more})]


def within(seconds: float, happened: Callable[[], object]) -> None:
    """Waits until it has."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def series(out: Path) -> dict[str, bytes]:
    """What a series leaves that must not depend on how often it was killed."""
    names = ["summary.json", "held-out.jsonl", "mistakes.jsonl"]
    names += [f"fold-{n}/{name}" for n in (1, 2, 3) for name in ("model.safetensors", "metrics.jsonl")]
    return {name: (out / name).read_bytes() for name in names}


def test_folds_that_were_killed_end_in_the_same_bits(runs: Runs, server: Server, tmp_path: Path) -> None:
    whole, out, said = tmp_path / "whole", tmp_path / "run", tmp_path / "said"
    options = {"folds": 3, "steps": 8, "evaluate_every": 4}
    assert server.run(*training(runs, "train", whole, **options), out=said) == 0, said.read_text()
    again = training(runs, "train", out, **options)
    for fold in (1, 2, 3):
        process = server.start(*again, out=said)
        within(300, lambda fold=fold: list(out.glob(f"fold-{fold}/checkpoint/*")))
        os.kill(process, signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL, said.read_text()
    assert not (out / "summary.json").exists()
    kill_until_done(server, again, said, random.Random(3))
    assert series(out) == series(whole)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in whole.iterdir())


def tried(out: Path) -> list[dict[str, object]]:
    """The trials that are over."""
    path = out / "trials.json"
    return list(json.loads(path.read_text())["trials"]) if path.exists() else []


def test_a_search_that_was_asked_to_stop_goes_on(runs: Runs, server: Server, tmp_path: Path) -> None:
    out, said = tmp_path / "tuned", tmp_path / "said"
    command = training(runs, "tune", out, epochs=1.0, dropout=0.1)
    moments = (
        lambda: list(out.glob("trial-01.*/checkpoint/*")),
        lambda: len(tried(out)) > len(done[-1]) and list(out.glob("trial-02.*/checkpoint/*")),
    )
    done: list[list[dict[str, object]]] = []
    for happened in moments:
        process = server.start(*command, "--minutes=60", out=said)
        within(300, happened)
        os.kill(process, signal.SIGTERM)
        assert server.wait() == 75, said.read_text()
        last = said.read_text().splitlines()[-1]
        assert "stopped by SIGTERM" in last and "the same command goes on" in last
        done.append(tried(out))
    assert done[1][: len(done[0])] == done[0] != done[1]
    assert server.run(*command, "--minutes=0.001", out=said) == 0, said.read_text()
    assert json.loads((out / "summary.json").read_text())["trials"] == done[1]


def compressing(runs: Runs, out: Path, steps: int) -> list[str]:
    options = {"heads": 1, "out": out, "train": runs.data("classification"), "steps": steps, "threads": 1}
    return ["compress", str(runs.trained("classification")), *flags(**options)]


def test_compression_asked_to_stop_says_that_nothing_is_written(
    runs: Runs, server: Server, tmp_path: Path
) -> None:
    out, said = tmp_path / "small", tmp_path / "said"
    process = server.start(*compressing(runs, out, 100_000), out=said)
    wait_for(said, "attention heads: 1 left")
    with pytest.raises(UsageError, match=f"another process compresses into {out}; wait for it, stop it"):
        litebert.compress(runs.trained("classification"), out, heads=(1,))
    os.kill(process, signal.SIGTERM)
    assert server.wait() == 75, said.read_text()
    last = said.read_text().splitlines()[-1]
    assert "stopped by SIGTERM" in last and "nothing is written yet, and the same command begins anew" in last
    assert [path.name for path in tmp_path.iterdir()] == ["said"]


def test_compression_that_was_killed_is_begun_anew(runs: Runs, server: Server, tmp_path: Path) -> None:
    """While it trains, and while its folder is being written."""
    folder, said = tmp_path / "models", tmp_path / "said"
    folder.mkdir()
    command = compressing(runs, folder / "small", 3)
    moments = {
        "taken out": lambda: said.exists() and "attention heads: 1 left" in said.read_text(),
        "being written": lambda: list(folder.glob(".small.*.new/small/config.json")),
    }
    for happened in moments.values():
        process = server.start(*command, out=said)
        within(300, happened)
        os.kill(process, signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL, said.read_text()
        assert not list((folder / "small").iterdir())
    assert server.run(*command, out=said) == 0, said.read_text()
    assert [path.name for path in folder.iterdir()] == ["small"]
    assert (folder / "small" / "compression.json").is_file()
