"""A small real run: bags of pieces, a model with dropout, everything drawn from the seed.

As a program it runs in processes of its own that a test can kill: `--serve` forks one for each line of
JSON that it reads, so that torch is imported once for all of them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litebert.errors import LitebertError
from litebert.training.events import Event, Watcher
from litebert.training.fingerprint import claim, fingerprint
from litebert.training.fit import Job, fit
from litebert.training.lock import alone
from litebert.training.loop import Step
from litebert.training.progress import Progress, Verdict
from litebert.training.report.lines import plain_lines
from litebert.training.report.metrics import metrics_log
from litebert.training.settings import TrainSettings

VOCABULARY, LENGTH, SAMPLES, CLASSES = 20, 6, 60, 3
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.02,
    "batch_size": 4,
    "steps": 48,
    "evaluate_every": 7,
    "early_stopping": False,
    "threads": 1,
}


@dataclass(frozen=True, eq=False)
class ToyBatch:
    ids: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def whole(self) -> int:
        return len(self)

    @property
    def pieces(self) -> int:
        return self.ids.numel()


class ToyBatches:
    """Each epoch in an order drawn from (seed, epoch)."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size
        self.ids, self.labels = samples(0)

    @property
    def per_epoch(self) -> int:
        return -(-SAMPLES // self.size)

    def __call__(self, number: int) -> ToyBatch:
        epoch, place = divmod(number, self.per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(SAMPLES)
        chosen = torch.from_numpy(order[place * self.size : (place + 1) * self.size])
        return ToyBatch(self.ids[chosen], self.labels[chosen])


class Toy(nn.Module):
    def __init__(self, seed: int = 5) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.table = nn.Embedding(VOCABULARY, 8)
        self.norm = nn.LayerNorm(8)
        self.dropout = nn.Dropout(0.2)
        self.output = nn.Linear(8, CLASSES)

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.output(self.dropout(self.norm(self.table(ids).mean(1))))
        return scores


def samples(seed: int) -> tuple[Tensor, Tensor]:
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, VOCABULARY, (SAMPLES, LENGTH))
    labels = (ids.sum(1) // 7) % CLASSES
    return torch.from_numpy(ids), torch.from_numpy(labels)


def objective(model: nn.Module, batch: ToyBatch) -> tuple[Tensor, dict[str, Tensor]]:
    loss = F.cross_entropy(model(batch.ids), batch.labels)
    return loss, {"half": loss / 2}


def evaluate(model: nn.Module) -> Verdict:
    ids, labels = samples(1)
    answers = model(ids).argmax(1)
    right = float((answers == labels).float().mean())
    return Verdict({"accuracy": right}, constant=len(set(answers.tolist())) == 1)


def job(**settings: Any) -> Job:
    chosen = TrainSettings(**{**SETTINGS, **settings})
    return Job(
        objective=objective,
        batches=ToyBatches(chosen.seed, chosen.batch_size),
        settings=chosen,
        evaluate=evaluate,
        chief="accuracy",
        chance=log(CLASSES),
        dev_samples=SAMPLES,
    )


def slowed(seconds: float) -> Watcher:
    def watch(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Step):
                time.sleep(seconds)
            yield event

    return watch


def run(
    out: Path, settings: dict[str, Any], slow: float = 0.0, slow_dev: float = 0.0, data: str = "toy"
) -> Progress:
    """What the `train` verb does, in small. Leaves the weights as `weights.npz`."""
    made, model = job(**settings), Toy()
    if slow_dev:
        made = replace(made, evaluate=lambda model: (time.sleep(slow_dev), evaluate(model))[1])
    torch.set_num_threads(1)
    with alone(out):
        claim(out, fingerprint(made.settings, data=data))
        watchers = [metrics_log(out / "metrics.jsonl"), plain_lines(), slowed(slow)]
        progress = fit(model, made, out, watch=watchers)
    np.savez(out / "weights.npz", **{name: t.numpy() for name, t in model.state_dict().items()})
    return progress


def command(line: str) -> int:
    """Does what one line of JSON asks for, the arguments of `run` and `stderr`; gives the exit code."""
    asked = {"settings": {}, **json.loads(line)}
    if path := asked.pop("stderr", None):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    try:
        run(Path(asked.pop("out")), **asked)
    except LitebertError as error:
        print(error.message, file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def serve() -> None:
    """Forks a process for each line of stdin, and prints its id; at the next line, how it ended."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = command(line)
            finally:
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()  # Until someone waits for it, its id stays its own.
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["--serve"] else sys.exit(command(sys.argv[1]))
