"""Fine-tuning, litebert against transformers' Trainer: samples/s, peak memory and the loss curve.

    LITEBERT_DATA=… python -m benchmarks.finetune [--rounds 3] [--shapes base] [--sets sst2] [--json]

Each measurement is a process of its own; the sides take turns, round after round, so that a drifting
machine is fair to all. Training rows are taken as they come in the file. transformers runs in its defaults
(fp32, batch 8, padded to the longest of a batch) and in the best bf16 setting found (bf16, batch 32, rows of
like length together); litebert in its defaults (bf16 where the chip has it, batch 32). All begin with new
weights at the same learning rate; the last loss is shown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.turns import Figures, clock, medians, peak_mb

SIDES = ("defaults", "best", "litebert")
CONFIGS = {"base": "albert-base-v2", "tiny": "albert-zh-tiny"}
WARM = {"base": 12, "tiny": 60}
STEPS = {("base", 8): 6, ("base", 32): 5, ("tiny", 8): 40, ("tiny", 32): 30}
"""Steps timed; enough for some seconds each."""
RATE = 1e-4

Rows = list[tuple[list[int], int]]
"""Ids with the special pieces, and the class."""


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
    found = medians("benchmarks.finetune", SIDES, (shape, name), rounds)
    ours = found["litebert"]["samples_per_second"]
    return [
        {"shape": shape, "set": name, "side": side, **figures}
        | {"ours_is": round(ours / figures["samples_per_second"], 2)}
        for side, figures in found.items()
    ]


def measure(side: str, shape: str, name: str) -> Figures:
    rows = encoded(name, shape)
    seconds, samples, loss = (
        litebert(rows, shape) if side == "litebert" else transformers(rows, shape, best=side == "best")
    )
    return {
        "samples_per_second": round(samples / seconds, 2),
        "peak_mb": peak_mb(),
        "last_loss": round(loss, 3),
    }


def encoded(name: str, shape: str) -> Rows:
    """The first training rows."""
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


def classes(rows: Rows) -> int:
    return 1 + max(label for _, label in rows)


def litebert(rows: Rows, shape: str) -> tuple[float, int, float]:
    import torch

    from litebert.data.batches import Batches
    from litebert.model.config import published
    from litebert.model.encoders.albert import Encoder
    from litebert.model.model import Model
    from litebert.model.native.compiler import kernels
    from litebert.model.products import fastest_dtype
    from litebert.tasks.classification import Classification
    from litebert.training.loop import State, steps
    from litebert.training.objectives.finetuning import Finetuning
    from litebert.training.optimizers import optimizer
    from litebert.training.progress import Progress
    from litebert.training.settings import TrainSettings

    config, size = published(CONFIGS[shape]), 32
    task = Classification(labels=tuple(map(str, range(classes(rows)))))
    torch.manual_seed(1)
    model = Model(Encoder(config), task.head(config))
    model.encoder.dtype = fastest_dtype()
    total = WARM[shape] + STEPS[shape, size]
    settings = TrainSettings(
        learning_rate=RATE, schedule="constant", warmup=0.0, batch_size=size, steps=total
    )
    state = State(model, optimizer(settings, model), Progress())
    with kernels(True):
        taken = steps(state, Finetuning(task), Batches(packed(rows), size, seed=1), settings)
        return clock(((step.samples, step.loss) for step in taken), WARM[shape])


def packed(rows: Rows) -> Any:
    """As litebert reads them: one after another."""
    import numpy as np

    from litebert.data.encoded import Encoded

    starts = np.concatenate([[0], np.cumsum([len(ids) for ids, _ in rows])])
    return Encoded(
        ids=np.concatenate([np.array(ids, dtype=np.int32) for ids, _ in rows]),
        segments=np.zeros(starts[-1], dtype=np.int8),
        starts=starts,
        firsts=np.arange(len(rows) + 1),
        targets={"label": np.array([label for _, label in rows])},
        piecewise=frozenset(),
        lists={},
        truncated=0,
    )


def transformers(rows: Rows, shape: str, *, best: bool) -> tuple[float, int, float]:
    from transformers import AlbertForSequenceClassification, Trainer, TrainerCallback

    from benchmarks.theirs import albert
    from litebert.model.config import published

    size = 32 if best else 8
    model = albert(AlbertForSequenceClassification, published(CONFIGS[shape]), seed=1, labels=classes(rows))
    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        asked = arguments(folder, shape, size, best=best)
        data, clocks = as_features(rows), [Clock()]
        trainer = Trainer(model, asked, train_dataset=data, data_collator=collate, callbacks=clocks)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return ends[-1] - ends[WARM[shape] - 1], STEPS[shape, size] * size, float(losses[-1])


def arguments(folder: str, shape: str, size: int, *, best: bool) -> Any:
    """Of their Trainer: its defaults, or the best setting found."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=size,
        max_steps=WARM[shape] + STEPS[shape, size],
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


def as_features(rows: Rows) -> list[dict[str, Any]]:
    """As transformers reads them."""
    return [
        {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "token_type_ids": [0] * len(ids),
            "labels": label,
        }
        for ids, label in rows
    ]


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
