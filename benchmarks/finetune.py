"""Fine-tuning, litebert against transformers' Trainer: samples/s, peak memory and the loss curve.

    LITEBERT_DATA=… python benchmarks/finetune.py [--rounds 3] [--shapes base] [--sets sst2] [--json]

Each measurement is a process of its own; the sides take turns, round after round, so that a drifting
machine is fair to all. Training rows are taken as they come in the file. transformers runs in its defaults
(fp32, batch 8, padded to the longest of a batch) and in the best bf16 setting found (bf16, batch 32, rows of
like length together); litebert in its defaults (bf16 where the chip has it, batch 32). All begin with new
weights at the same learning rate; the last loss is shown.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # This folder, whose tokenize.py would stand for Python's own.

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

SIDES = ("defaults", "best", "litebert")
CONFIGS = {"base": "albert-base-v2", "tiny": "albert-zh-tiny"}
WARM = {"base": 12, "tiny": 60}
STEPS = {("base", 8): 6, ("base", 32): 5, ("tiny", 8): 40, ("tiny", 32): 30}
"""Steps timed; enough for some seconds each."""
RATE = 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", nargs="+", default=["base", "tiny"], choices=CONFIGS)
    parser.add_argument("--sets", nargs="+", default=["sst2", "tnews"], choices=["sst2", "tnews"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, metavar=("SIDE", "SHAPE", "SET"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measure(*given.child)))
        return
    pairs = [(shape, name) for shape in given.shapes for name in given.sets]
    results = [row for pair in pairs for row in compare(*pair, given.rounds)]
    print(json.dumps(results) if given.json else table(results))


def compare(shape: str, name: str, rounds: int) -> list[dict[str, Any]]:
    """The medians of all sides, measured in turns."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
            found[side].append(child(side, shape, name))
            print(f"round {number + 1}, {shape}, {name}, {side}: {found[side][-1]}", file=sys.stderr)
    rows = [
        {"shape": shape, "set": name, "side": side}
        | {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for side, runs in found.items()
    ]
    ours = rows[-1]["samples_per_second"]
    return [{**row, "ours_is": round(ours / row["samples_per_second"], 2)} for row in rows]


def child(side: str, shape: str, name: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", side, shape, name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(side: str, shape: str, name: str) -> dict[str, float]:
    rows = encoded(name, shape)
    seconds, samples, loss = (litebert if side == "litebert" else transformers)(rows, shape, side)
    return {
        "samples_per_second": round(samples / seconds, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "last_loss": round(loss, 3),
    }


def encoded(name: str, shape: str) -> list[tuple[list[int], int]]:
    """The first training rows: ids with the special pieces, and the class."""
    from litebert.text.loading import load_tokenizer

    data = Path(os.environ["LITEBERT_DATA"])
    path = data / ("glue/SST-2/train.tsv.gz" if name == "sst2" else "tnews_zh/train.tsv.gz")
    vocabulary = data / ("albert_en_vocab/spiece.model" if name == "sst2" else "albert_zh_vocab/vocab.txt")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:4001]
    tokenizer = load_tokenizer(vocabulary)
    names = {label: i for i, label in enumerate(sorted({row[1] for row in rows}))}
    most = vocabulary_size(shape) - 1
    pieces = tokenizer.encode_many([row[0] for row in rows])
    return [
        ([tokenizer.cls, *(min(i, most) for i in one.ids.tolist()[:510]), tokenizer.sep], names[row[1]])
        for one, row in zip(pieces, rows, strict=True)
    ]


def vocabulary_size(shape: str) -> int:
    from litebert.model.config import published

    return published(CONFIGS[shape]).vocabulary


def litebert(rows: list[tuple[list[int], int]], shape: str, _side: str) -> tuple[float, int, float]:
    import numpy as np
    import torch

    from litebert.data.batches import Batches
    from litebert.data.encoded import Encoded
    from litebert.model.config import published
    from litebert.model.encoders.albert import Encoder
    from litebert.model.fusion import fusing
    from litebert.model.model import Model
    from litebert.model.products import fastest_dtype
    from litebert.tasks.classification import Classification
    from litebert.training.loop import State, steps
    from litebert.training.objectives.finetuning import Finetuning
    from litebert.training.optimizers import optimizer
    from litebert.training.progress import Progress
    from litebert.training.settings import TrainSettings

    config = published(CONFIGS[shape])
    task = Classification(labels=tuple(str(i) for i in range(1 + max(label for _, label in rows))))
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids, _ in rows])])
    data = Encoded(
        ids=np.concatenate([np.array(ids, dtype=np.int32) for ids, _ in rows]),
        segments=np.zeros(starts[-1], dtype=np.int8),
        starts=starts,
        firsts=np.arange(len(rows) + 1),
        targets={"label": np.array([label for _, label in rows])},
        piecewise=frozenset(),
        lists={},
        truncated=0,
    )
    torch.manual_seed(1)
    encoder = Encoder(config)
    model = Model(encoder, task.head(config))
    encoder.dtype = fastest_dtype()
    size = 32
    timed = STEPS[shape, size]
    total = WARM[shape] + timed
    settings = TrainSettings(
        learning_rate=RATE, schedule="constant", warmup=0.0, batch_size=size, steps=total
    )
    state = State(model, optimizer(settings, model), Progress())
    with fusing(True):
        taken = steps(state, Finetuning(task), Batches(data, size, seed=1), settings)
        return clock(taken, WARM[shape], timed * size)


def clock(taken: Any, warm: int, samples: int) -> tuple[float, int, float]:
    """Seconds of the steps after the warm ones, their samples, and the last loss."""
    started, loss = 0.0, float("nan")
    for number, step in enumerate(taken, start=1):
        loss = step.loss
        if number == warm:
            started = time.perf_counter()
    return time.perf_counter() - started, samples, loss


def transformers(rows: list[tuple[list[int], int]], shape: str, side: str) -> tuple[float, int, float]:
    import tempfile

    import torch
    from transformers import (
        AlbertConfig,
        AlbertForSequenceClassification,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from litebert.model.checkpoints.huggingface_config import config_to_huggingface
    from litebert.model.config import published

    best = side == "best"
    size = 32 if best else 8
    timed = STEPS[shape, size]
    keys = config_to_huggingface(published(CONFIGS[shape]), "Model")
    torch.manual_seed(1)
    config = AlbertConfig(**{k: v for k, v in keys.items() if k not in ("architectures", "model_type")})
    config.num_labels = 1 + max(label for _, label in rows)
    model = AlbertForSequenceClassification(config)
    data = [
        {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "token_type_ids": [0] * len(ids),
            "labels": label,
        }
        for ids, label in rows
    ]

    class Clock(TrainerCallback):  # type: ignore[misc]
        at: list[float] = []  # noqa: RUF012 - the one callback of this process

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.at.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=size,
            max_steps=WARM[shape] + timed,
            learning_rate=RATE,
            lr_scheduler_type="constant",
            bf16=best,
            train_sampling_strategy="group_by_length" if best else "random",
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
        )
        trainer = Trainer(model, arguments, train_dataset=data, data_collator=collate, callbacks=[Clock()])
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return Clock.at[-1] - Clock.at[WARM[shape] - 1], timed * size, float(losses[-1])


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Padded to the longest, as transformers' DataCollatorWithPadding does."""
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    padded = {
        key: torch.tensor([row[key] + [0] * (longest - len(row[key])) for row in rows])
        for key in ("input_ids", "attention_mask", "token_type_ids")
    }
    return padded | {"labels": torch.tensor([row["labels"] for row in rows])}


def table(results: list[dict[str, Any]]) -> str:
    head = "| shape | set | side | samples/s | peak MB | litebert is |\n|---|---|---|--:|--:|--:|"
    rows = [
        f"| {row['shape']} | {row['set']} | {row['side']} | {row['samples_per_second']:.1f} "
        f"| {row['peak_mb']:.0f} | {row['ours_is']:.2f} × |"
        for row in results
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
