"""Leaving early beside the best peer: litebert whole and with exits, and OpenVINO, on one trained model.

    LITEBERT_DATA=… python -m benchmarks.leaving RUN glue.sst2:dev [--lost 0.003] [--texts 1500] [--threads 1]

RUN was trained with `--exits`. Texts may leave as early as loses no more than `--lost` of the measure on dev,
by the curve that stands in the run. All sides take turns, from encodings to logits; accuracy is on the texts
that are timed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.answering import Side, ours, peers
from litebert.data.examples import read
from litebert.engine.opening import open_model

PRECISIONS = ("bf16", "int8")


def compare(given: argparse.Namespace) -> Iterator[dict[str, float | str]]:
    """A row for each side: texts/s, accuracy, and how many times as fast as the quickest peer."""
    predictor = open_model(str(given.run))
    rows = read(given.source, predictor.task).rows[: given.texts]
    encodings = predictor.encoded([row.given for row in rows])
    labels = np.array([predictor.task.labels.index(row.wanted.label) for row in rows])
    sides = list(_sides(given))
    right = {side.name: float((side.all(encodings).argmax(1) == labels).mean()) for side in sides}
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(given.rounds):
        for side in sides:
            began = time.perf_counter()
            side.all(encodings)
            seconds[side.name].append(time.perf_counter() - began)
    speed = {name: len(encodings) / statistics.median(taken) for name, taken in seconds.items()}
    best = max(rate for name, rate in speed.items() if name.startswith("openvino"))
    for name, rate in speed.items():
        yield {"side": name, "texts/s": rate, "accuracy": right[name], "of the best peer": rate / best}


def _sides(given: argparse.Namespace) -> Iterator[Side]:
    results = json.loads((given.run / "results.json").read_text())
    measure = results["dev"][results["best_by"]]
    for precision in PRECISIONS:
        yield ours(given.run, precision)
        yield ours(given.run, precision, quality=1 - given.lost / measure)
        yield from peers(given.run, "openvino", precision, given.threads)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("source")
    parser.add_argument("--lost", type=float, default=0.003)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for row in compare(given):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
