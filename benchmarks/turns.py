"""Sides measured in turns, each time in a process of its own, so that a drifting machine is fair to all."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

from litebert.engine.measuring import peak_memory

Figures = dict[str, float]


def medians(
    module: str, sides: Sequence[str], arguments: Sequence[object], rounds: int
) -> dict[str, Figures]:
    """By side, the median of each figure that `python -m MODULE --child SIDE ARGUMENTS…` prints as JSON."""
    found: dict[str, list[Figures]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides:
            found[side].append(_child(module, side, arguments))
            print(f"round {number + 1}, {side}, {arguments}: {found[side][-1]}", file=sys.stderr)
    return {
        side: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for side, runs in found.items()
    }


def _child(module: str, side: str, arguments: Sequence[object]) -> Figures:
    command = [sys.executable, "-m", module, "--child", side, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def clock(taken: Iterable[tuple[int, float]], warm: int) -> tuple[float, int, float]:
    """Seconds of the steps after the warm ones, how much they went through, and the last loss. Each step is
    how much it went through, in pieces or samples, and its loss."""
    started, through, loss = time.perf_counter(), 0, float("nan")
    for number, (some, loss) in enumerate(taken, start=1):  # noqa: B007
        through += some
        if number == warm:
            started, through = time.perf_counter(), 0
    return time.perf_counter() - started, through, loss


def peak_mb() -> int:
    """Of this process's memory."""
    return round(peak_memory())
