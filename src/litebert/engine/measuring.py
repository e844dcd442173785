"""How fast a model answers some Inputs on this machine: each setting in a process of its own, in turns.

In a process of its own the peak of memory is the setting's; in turns, what else the machine does falls on all
settings alike. Figures are medians over the rounds.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from litebert.errors import InputError, LitebertError


@dataclass(frozen=True)
class Setting:
    """A model and how it is run. threads: of torch; None leaves what there is."""

    model: str | None
    precision: str
    task: str | None = None
    options: tuple[str, ...] = ()
    threads: int | None = None
    quality: float = 1.0


@dataclass(frozen=True)
class Round:
    """One round: seconds to tokenize all, seconds to work all out, seconds of each Input asked alone."""

    tokenizing: float
    running: float
    alone: tuple[float, ...]


def measured(settings: Sequence[Setting], inputs: Sequence[Any], *, rounds: int, alone: int) -> list[Any]:
    """For each setting its figures, or the `LitebertError` for which there are none.

    alone: how many of the Inputs are asked one at a time.
    """
    with _children(settings, inputs, alone) as ask:
        opened = [ask(i, "open") for i in range(len(settings))]
        able = [i for i, found in enumerate(opened) if not isinstance(found, LitebertError)]
        taken: dict[int, list[Round]] = {i: [] for i in able}
        for _ in range(rounds):
            for i in able:
                taken[i].append(ask(i, "round"))
        ends = {i: ask(i, "end") for i in able}
    return [_figures(found, taken[i], ends[i]) if i in taken else found for i, found in enumerate(opened)]


def _figures(opened: dict[str, Any], rounds: Sequence[Round], end: dict[str, Any]) -> dict[str, Any]:
    count, pieces = opened["sequences"], opened["pieces"]
    tokenizing, running = median(r.tokenizing for r in rounds), median(r.running for r in rounds)
    both = median(r.tokenizing + r.running for r in rounds)
    alone = np.array([seconds for r in rounds for seconds in r.alone]) * 1000
    return {
        "open_seconds": round(opened["seconds"], 3),
        "sequences_per_second": round(count / both, 1),
        "pieces_per_second": round(pieces / both, 1),
        "without_tokenizing": {
            "sequences_per_second": round(count / running, 1),
            "pieces_per_second": round(pieces / running, 1),
        },
        "tokenizing_pieces_per_second": round(pieces / tokenizing, 1),
        "latency_ms": {f"p{q}": round(float(np.percentile(alone, q)), 2) for q in (50, 99)},
        "peak_memory_mb": round(end["memory"], 1),
        "hours_per_million": round(both / count * 1e6 / 3600, 6),
        "answers": end["answers"],
    }


@contextmanager
def _children(
    settings: Sequence[Setting], inputs: Sequence[Any], alone: int
) -> Iterator[Callable[[int, str], Any]]:
    """A process for each setting, which does what it is told and says what came of it."""
    context = get_context("spawn")
    pipes, processes = [], []
    try:
        for setting in settings:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, setting, inputs, alone), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)

        def ask(i: int, what: str) -> Any:
            try:
                pipes[i].send(what)
                found = pipes[i].recv()
            except (EOFError, OSError):
                processes[i].join(5)
                raise LitebertError(
                    f"the process for {settings[i].precision} ended with code {processes[i].exitcode}: what "
                    "it printed says why; -9 may mean that memory was short"
                ) from None
            if isinstance(found, LitebertError) and what != "open":
                raise found
            return found

        yield ask
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.close()
            process.terminate()
            process.join()


def _serve(pipe: Connection, setting: Setting, inputs: Sequence[Any], alone: int) -> None:
    """In the process: opens the model, then a round each time, until the other side has gone."""
    try:
        pipe.recv()
        try:
            bench = _Bench(setting, inputs, alone)
        except LitebertError as error:
            pipe.send(error)
            return
        pipe.send(bench.opened)
        while pipe.recv() != "end":
            pipe.send(bench.round())
        pipe.send({"memory": peak_memory(), "answers": bench.answers()})
    except LitebertError as error:  # Of an Input that cannot be answered.
        pipe.send(error)
    except EOFError:
        return


class _Bench:
    """One setting, open and warm."""

    def __init__(self, setting: Setting, inputs: Sequence[Any], alone: int) -> None:
        import torch

        from litebert.engine.opening import open_model

        if setting.threads is not None:
            torch.set_num_threads(setting.threads)
        began = time.perf_counter()
        self.predictor = open_model(
            setting.model,
            task=setting.task,
            options=setting.options,
            precision=setting.precision,
            quality=setting.quality,
            tell=lambda note: print(note, file=sys.stderr),
        )
        self.inputs, self.alone = list(inputs), list(inputs[:alone])
        self.predictor(self.inputs[:1])
        seconds = time.perf_counter() - began
        encoded = self.predictor.encoded(self.inputs)
        self.opened = {
            "seconds": seconds,
            "sequences": len(encoded),
            "pieces": sum(map(len, encoded)),
        }
        self.predictor.scores(encoded)  # Kernels compile themselves for each shape at its first use.

    def round(self) -> Round:
        began = time.perf_counter()
        encoded = self.predictor.encoded(self.inputs)
        tokenized = time.perf_counter()
        self.predictor.scores(encoded)
        ended = time.perf_counter()
        return Round(tokenized - began, ended - tokenized, tuple(map(self._seconds, self.alone)))

    def answers(self) -> list[str | None]:
        """The label that each Input got, where the task gives labels."""
        found = self.predictor.answers(self.inputs)
        return [getattr(answer, "label", None) for answer in found]

    def _seconds(self, one: Any) -> float:
        began = time.perf_counter()
        self.predictor([one])
        return time.perf_counter() - began


def peak_memory() -> float:
    """In MB, of this process since it began. `getrusage` counts what its parent held when it was made, so
    Linux is asked elsewhere."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20) if sys.platform == "darwin" else most / 1024


def answerable(inputs: Sequence[Any]) -> list[Any]:
    """Those that were read. Raises the first error if there are none."""
    good = [one for one in inputs if not isinstance(one, InputError)]
    if not good:
        raise next(iter(inputs), InputError("there is nothing to answer in it"))
    return good
