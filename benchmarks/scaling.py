"""How much faster two single-threaded processes pretrain than one.

    python -m benchmarks.scaling CORPUS [--model config:albert-zh-tiny] [--length 128] [--rounds 5]

The same whole batch in both; one and two processes take turns, on whatever else the machine does, and the
median of the rounds' ratios is told. A round is some updates after the first few. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

WARM = 3
"""Updates that are not counted: the first compile and lay out."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", default=None)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if "RANK" in os.environ:
        worker(given)
        return
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(given.rounds):
        for processes, found in rates.items():
            found.append(_pieces_per_second(processes))
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    told: dict[str, Any] = {f"pieces/s, {n} processes": [round(rate) for rate in rates[n]] for n in rates}
    print(json.dumps({**told, "2 processes / 1": round(median(ratios), 3)}, indent=1))


def worker(given: argparse.Namespace) -> None:
    """One process of a round; the first prints how many pieces went through all of them in a second."""
    import torch

    from litebert.model.native.compiler import kernels
    from litebert.training.distributed import joined
    from litebert.training.exchange import Exchange
    from litebert.training.loop import State, steps
    from litebert.training.optimizers import optimizer
    from litebert.training.progress import Progress
    from litebert.training.settings import TrainSettings
    from litebert.verbs.pretrain import Pretrain

    torch.set_num_threads(1)
    settings = TrainSettings(
        optimizer="lamb", batch_size=given.batch_size, steps=WARM + given.steps, threads=1
    )
    with joined() as world, tempfile.TemporaryDirectory() as out, kernels(on=True):
        verb = Pretrain(
            corpus=given.corpus, model=given.model, length=given.length, out=Path(out), settings=settings
        )
        run = verb.prepared(world)
        model, job = run.model(), run.job()
        state = State(model, optimizer(job.settings, model), Progress())
        pieces, started = 0, 0.0
        for step in steps(state, job.objective, job.batches, job.settings, Exchange(world)):
            if step.step == WARM:
                started = perf_counter()
            elif step.step > WARM:
                pieces += step.pieces
        if world.leads:
            print(pieces / (perf_counter() - started))


def _pieces_per_second(processes: int) -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scaling", *sys.argv[1:]],
            env={**common, "RANK": str(rank), "WORLD_SIZE": str(processes)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    said = [one.communicate()[0] for one in started]
    if any(one.returncode for one in started):
        raise SystemExit("a process has failed")
    return float(said[0])


if __name__ == "__main__":
    main()
