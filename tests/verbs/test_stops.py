"""`litebert train` killed, asked to stop, and begun again by the same command: real processes and signals."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Server

from litebert.model_source import open_source
from small_runs import FAST, Runs

STEPS = 40


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def command(runs: Runs, out: Path, *more: str) -> list[str]:
    flags = {**FAST, "train": runs.data("classification"), "model": runs.model, "task": "classification"}
    flags |= {"out": out, "steps": STEPS, "evaluate_every": 9, "save_steps": 1, "progress": "lines"}
    del flags["epochs"], flags["early_stopping"]
    return ["train", *(f"--{name.replace('_', '-')}={value}" for name, value in flags.items()), *more]


def result(out: Path) -> dict[str, bytes]:
    """All that a run leaves which must not depend on how often it stopped."""
    names = (
        "model.safetensors",
        "results.json",
        "metrics.jsonl",
        "mistakes.jsonl",
        "config.json",
        "task.json",
    )
    return {name: (out / name).read_bytes() for name in (*names, "fingerprint.json")}


@pytest.fixture(scope="module")
def undisturbed(runs: Runs, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    said = out.with_name("said")
    assert server.run(*command(runs, out), out=said) == 0, said.read_text()
    return out


def kill_until_done(server: Server, arguments: list[str], said: Path, chance: random.Random) -> int:
    """Kills it at random moments and gives the same command again; how often."""
    kills, most = 0, 1.5
    while True:
        process = server.start(*arguments, out=said)
        time.sleep(chance.uniform(0, most))
        os.kill(process, signal.SIGKILL)
        code = server.wait()
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, said.read_text()
        kills += 1
        most *= 1.3  # So that a slow machine gets on, too.


def kills(runs: Runs, server: Server, folder: Path, undisturbed: Path, wanted: int) -> None:
    chance, done, number = random.Random(5), 0, 0
    while done < wanted:
        out, said = folder / f"run-{number}", folder / f"said-{number}"
        done += kill_until_done(server, command(runs, out), said, chance)
        assert result(out) == result(undisturbed), said.read_text()
        number += 1


def test_killed_and_begun_again_it_ends_in_the_same_bits(
    runs: Runs, server: Server, tmp_path: Path, undisturbed: Path
) -> None:
    kills(runs, server, tmp_path, undisturbed, 2)


@pytest.mark.slow
def test_killed_often_it_ends_in_the_same_bits(
    runs: Runs, server: Server, tmp_path: Path, undisturbed: Path
) -> None:
    kills(runs, server, tmp_path, undisturbed, 60)


def wait_for(said: Path, text: str) -> None:
    for _ in range(3000):
        if said.exists() and text in said.read_text():
            return
        time.sleep(0.01)
    raise AssertionError(said.read_text() if said.exists() else "nothing was said")


def test_asked_to_stop_it_saves_and_goes_on(
    runs: Runs, server: Server, tmp_path: Path, undisturbed: Path
) -> None:
    out, said = tmp_path / "run", tmp_path / "said"
    process = server.start(*command(runs, out), out=said)
    wait_for(said, "on dev")
    os.kill(process, signal.SIGTERM)
    assert server.wait() == 75, said.read_text()
    assert "stopped by SIGTERM after update" in said.read_text()
    assert not (out / "results.json").exists()
    assert server.run(*command(runs, out), out=said) == 0, said.read_text()
    assert "Going on from update" in said.read_text()
    assert result(out) == result(undisturbed)


def test_asked_to_stop_before_there_is_anything_to_save(runs: Runs, server: Server, tmp_path: Path) -> None:
    """While the data come through a pipe that no one writes to."""
    pipe, said = tmp_path / "data.jsonl", tmp_path / "said"
    os.mkfifo(pipe)
    process = server.start(*command(runs, tmp_path / "run"), f"--train={pipe}", out=said)
    time.sleep(1.0)
    os.kill(process, signal.SIGTERM)
    assert server.wait() == 75
    assert "stopped by SIGTERM; nothing is lost" in said.read_text()


def test_made_again_from_its_run_json(server: Server, tmp_path: Path, undisturbed: Path) -> None:
    out, said = tmp_path / "again", tmp_path / "said"
    again = ["train", "--again", str(undisturbed / "run.json"), "--out", str(out)]
    assert server.run(*again, out=said) == 0, said.read_text()
    assert result(out) == result(undisturbed)
    assert (out / "run.json").read_bytes() == (undisturbed / "run.json").read_bytes()


def test_the_weights_are_not_those_it_began_with(runs: Runs, undisturbed: Path) -> None:
    """Or else equal bits would say nothing."""
    source, trained = open_source(str(runs.model)), open_source(str(undisturbed))
    assert trained.task is not None
    began, ended = (one.model(trained.task).state_dict() for one in (source, trained))
    assert not any(began[name].equal(ended[name]) for name in began if "weight" in name)
