"""Processes on this machine that make parts. Any of them may be killed: another takes its place.

A worker is `python -m litebert.data.corpus.workers`: a line of JSON on its standard input says what corpus,
each line after it asks for a part, and each is answered by a line. When its input ends it ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from litebert import errors
from litebert.data.corpus.jobs import TRIES, Job
from litebert.errors import LitebertError


class Crew:
    """Workers for one corpus; one thread speaks with each."""

    def __init__(self, job: Job, workers: int) -> None:
        self.job, self.workers = job, workers

    def make(self, numbers: Sequence[int], told: Callable[[int, int], None]) -> None:
        """Raises the first error of a worker, and `LitebertError` (code `worker`) for a part that ends
        workers."""
        asked: SimpleQueue[int] = SimpleQueue()
        for number in numbers:
            asked.put(number)
        board = _Board(asked, len(numbers), told)
        with ThreadPoolExecutor(self.workers) as pool:
            threads = [pool.submit(self._serve, board) for _ in range(min(self.workers, len(numbers)))]
            try:
                for thread in as_completed(threads):
                    thread.result()
            except BaseException:
                board.stop()
                raise

    def _serve(self, board: _Board) -> None:
        with closing(_Worker(self.job, board)) as worker:
            while (number := board.next()) is not None:
                worker.make(number)
                board.tick()


class _Board:
    """What is left to do, and how much is done."""

    def __init__(self, asked: SimpleQueue[int], count: int, told: Callable[[int, int], None]) -> None:
        self.asked, self.count, self.told = asked, count, told
        self.done = 0
        self.is_stopped = False
        self.running: set[subprocess.Popen[bytes]] = set()
        self.lock = Lock()

    def next(self) -> int | None:
        with suppress(Empty):
            return None if self.is_stopped else self.asked.get_nowait()
        return None

    def tick(self) -> None:
        with self.lock:
            self.done += 1
            self.told(self.done, self.count)

    def stop(self) -> None:
        self.is_stopped = True
        for process in list(self.running):
            process.kill()


class _Worker:
    """A process, started when there is something to do, and again after it was killed."""

    def __init__(self, job: Job, board: _Board) -> None:
        self.job, self.board = job, board
        self.process: subprocess.Popen[bytes] | None = None

    def make(self, number: int) -> None:
        ended = ""
        for _ in range(TRIES):
            process = self._running()
            answer = _ask(process, number)
            if answer is not None:
                return _raise(answer)
            ended = f"signal {-code}" if (code := process.wait()) < 0 else f"exit code {code}"
            self.close()
            if self.board.is_stopped:
                return None
        raise LitebertError(
            f"part {number} has ended {TRIES} workers, the last with {ended}; is there too little memory? "
            "Fewer workers, or smaller shards, need less",
            code="worker",
        )

    def close(self) -> None:
        if self.process is None:
            return
        self.board.running.discard(self.process)
        with suppress(OSError):
            self.process.communicate()
        self.process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )
            self.board.running.add(self.process)
            _say(self.process, self.job.to_json())
        return self.process


def _environment() -> dict[str, str]:
    """Ours, with the same modules in reach, and no threads: there are as many workers as processors are to
    be busy."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _say(process: subprocess.Popen[bytes], what: Any) -> None:
    assert process.stdin
    with suppress(OSError):  # A dead one is noticed by its silence.
        process.stdin.write(json.dumps(what).encode() + b"\n")
        process.stdin.flush()


def _ask(process: subprocess.Popen[bytes], number: int) -> dict[str, Any] | None:
    """Its answer, or None if it ended."""
    assert process.stdout
    _say(process, number)
    line = process.stdout.readline()
    answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
    return answer


def _raise(answer: dict[str, Any]) -> None:
    if error := answer.get("error"):
        raise getattr(errors, error["kind"], LitebertError)(error["message"], code=error["code"])


def main() -> None:
    """Be a worker."""
    job = Job.from_json(json.loads(sys.stdin.buffer.readline()))
    try:
        maker = job.open()
        for line in iter(sys.stdin.buffer.readline, b""):
            maker.make(Path(job.work), int(line))
            print("{}", flush=True)
    except LitebertError as error:
        answer = {"kind": type(error).__name__, "message": str(error), "code": error.code}
        print(json.dumps({"error": answer}), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main()
