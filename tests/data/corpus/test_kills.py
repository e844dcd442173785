"""Killed at any moment, a corpus comes out to the byte as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from litebert.data.corpus.build import build
from litebert.data.corpus.settings import Settings
from small_corpora import documents, files

SETTINGS = Settings(documents="blank-line", min_chars=1, near_duplicates=None, shard_bytes=2500)

PROGRAM = """
import sys
from litebert.data.corpus.build import build
from litebert.data.corpus.settings import Settings
source, out, tokenizer, workers = sys.argv[1:]
settings = Settings(documents="blank-line", min_chars=1, near_duplicates=None, shard_bytes=2500)
build([source], out, tokenizer, settings, workers=int(workers))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "a.txt"
    path.write_text("\n\n".join(documents(400)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, source: Path, tokenizer: Path) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "corpus"
    build([source], out, tokenizer, SETTINGS)
    return files(out)


def start(source: Path, out: Path, tokenizer: Path, workers: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", PROGRAM, str(source), str(out), str(tokenizer), str(workers)]
    return subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that it has started."""
    found: list[int] = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def wait_for_parts(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many parts are done, or the process has ended."""
    while process.poll() is None and len(list((out / ".parts").glob("[0-9]*.json"))) < count:
        time.sleep(0.001)


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the workers in /proc")
@pytest.mark.parametrize("kills", [3, pytest.param(15, marks=pytest.mark.slow)])
def test_a_killed_worker_is_replaced(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes], kills: int
) -> None:
    draw = random.Random(kills)
    out = tmp_path / "out"
    process = start(source, out, tokenizer, workers=2)
    done = 0
    count = 0
    for _ in range(kills):
        wait_for_parts(out, count, process)
        count += draw.randint(1, 3)
        time.sleep(draw.random() * 0.05)
        while not (workers := children(process)) and process.poll() is None:
            time.sleep(0.001)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(workers), signal.SIGKILL)
                done += 1
    assert process.wait(timeout=120) == 0
    assert done >= kills - 1
    assert files(out) == whole


@pytest.mark.parametrize(
    ("kills", "workers"),
    [
        (3, 1),
        (2, 2),
        pytest.param(15, 1, marks=pytest.mark.slow),
        pytest.param(15, 2, marks=pytest.mark.slow),
    ],
)
def test_a_killed_command_goes_on(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes], kills: int, workers: int
) -> None:
    draw = random.Random(kills + workers)
    out = tmp_path / "out"
    killed = 0
    for kill in range(kills):
        process = start(source, out, tokenizer, workers)
        wait_for_parts(out, draw.randint(kill, 3 * kill + 2), process)
        time.sleep(draw.random() * 0.03)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed >= min(kills, 2)
    assert start(source, out, tokenizer, workers).wait(timeout=120) == 0
    assert files(out) == whole
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


class Killed(BaseException):
    """What no code here catches."""


def moments(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """Raises `Killed` at the `at`-th time that something happens on the disk, and at every one after it."""
    count = 0

    def counted(name: str) -> None:
        original = getattr(*_PLACES[name])

        def happens(*given: object, **named: object) -> object:
            nonlocal count
            count += 1
            if count > at:
                raise Killed
            # Nothing is cut from its power here, and waiting for the disk takes most of the time.
            return None if name == "fsync" else original(*given, **named)

        monkeypatch.setattr(*_PLACES[name], happens)

    for name in _PLACES:
        counted(name)
    yield
    monkeypatch.undo()


_PLACES = {
    "fsync": (os, "fsync"),
    "replace": (Path, "replace"),
    "unlink": (Path, "unlink"),
    "rmdir": (Path, "rmdir"),
}


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_stopped_before_anything_that_happens_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer: Path, step: int
) -> None:
    source = tmp_path / "a.txt"
    source.write_text("\n\n".join(documents(4)), encoding="utf-8")
    settings = Settings(documents="blank-line", min_chars=1, near_duplicates=None, shard_bytes=700)
    build([source], tmp_path / "whole", tokenizer, settings)
    whole = files(tmp_path / "whole")
    for at in range(0, 1000, step):
        out = tmp_path / f"out{at}"
        stopped = moments(monkeypatch, at)
        next(stopped)
        try:
            build([source], out, tokenizer, settings)
            is_done = True
        except Killed:
            is_done = False
        next(stopped, None)
        if (out / "corpus.json").exists():
            assert files(out) == whole or not is_done
        build([source], out, tokenizer, settings)
        assert files(out) == whole
        if is_done:
            break
    assert at > 20
