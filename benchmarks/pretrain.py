"""Pretraining, litebert against transformers' AlbertForPreTraining: tokens/s, peak memory and the loss.

    LITEBERT_DATA=… python -m benchmarks.pretrain [--rounds 3] [--shapes tiny] [--lengths 128] [--threads 1]

Each measurement is a process of its own; the sides take turns, round after round, so that a drifting
machine is fair to all. All read the same samples: masked pieces and two segments cut from featured
Wikipedia by litebert's own corpus and masking, 8,192 pieces an update, so that only the model, its losses
and the optimiser are compared. transformers runs in its defaults (fp32, all positions through the head),
under bf16 autocast, and that compiled; litebert in its defaults. transformers has no LAMB, so it has AdamW.
Utilisation is operations by the model's shape, forward and back, over this machine's rate for large bf16
products, measured at the start on as many threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

from benchmarks.turns import Figures, clock, medians, peak_mb

SIDES = ("defaults", "bf16", "compiled", "litebert")
CONFIGS = {"base": "albert-base-v2", "small": "albert-zh-small", "tiny": "albert-zh-tiny"}
PIECES = 8192
WARM, TIMED = {"base": 1, "small": 2, "tiny": 3}, {"base": 2, "small": 4, "tiny": 6}
RATE = 1e-4
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", nargs="+", default=["tiny", "small", "base"], choices=CONFIGS)
    parser.add_argument("--lengths", nargs="+", type=int, default=[128, 512])
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        side, shape, length, corpus, threads = given.child
        print(json.dumps(measure(side, shape, int(length), Path(corpus), int(threads))))
        return
    import torch

    threads = given.threads or torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        corpus = made(Path(folder))
        rate = product_rate(threads)
        print(f"large bf16 products: {rate / 1e9:.0f} GFLOP/s on {threads} threads", file=sys.stderr)
        pairs = [(shape, length) for shape in given.shapes for length in given.lengths]
        results = [
            row for pair in pairs for row in compare(*pair, corpus, threads, given.sides, given.rounds, rate)
        ]
    print(json.dumps(results) if given.json else table(results))


def made(folder: Path) -> Path:
    """A corpus of two files of featured Wikipedia, in ALBERT's own vocabulary."""
    from litebert.data.corpus.build import build
    from litebert.data.corpus.settings import Settings

    data = Path(os.environ["LITEBERT_DATA"])
    files = sorted((data / "wiki_en_featured").glob("*.gz"))[:2]
    build(files, folder / "corpus", data / "albert_en_vocab" / "spiece.model", Settings(), workers=1)
    return folder / "corpus"


def compare(
    shape: str, length: int, corpus: Path, threads: int, sides: list[str], rounds: int, rate: float
) -> list[dict[str, Any]]:
    """The medians of all sides, measured in turns."""
    found = medians("benchmarks.pretrain", sides, (shape, length, corpus, threads), rounds)
    ours = found["litebert"]["tokens_per_second"] if "litebert" in found else nan
    each = operations(shape, length)
    return [
        {"shape": shape, "length": length, "side": side, **figures}
        | {
            "ours_is": round(ours / figures["tokens_per_second"], 2),
            "utilisation": round(figures["tokens_per_second"] * each / rate, 3),
        }
        for side, figures in found.items()
    ]


def measure(side: str, shape: str, length: int, corpus: Path, threads: int) -> Figures:
    import torch

    torch.set_num_threads(threads)
    taken = (
        litebert(shape, length, corpus, threads)
        if side == "litebert"
        else transformers(side, shape, length, corpus)
    )
    seconds, tokens, loss = taken
    return {
        "tokens_per_second": round(tokens / seconds, 1),
        "peak_mb": peak_mb(),
        "last_loss": round(loss, 3),
    }


def config_of(shape: str) -> Any:
    """In the shape of the name, without dropout, as published for v2."""
    from litebert.model.config import published

    return replace(published(CONFIGS[shape]), vocabulary=30_000)


def operations(shape: str, length: int) -> float:
    """Of one piece, forward and back: every product, attention's own, and the head at 15 % of the pieces."""
    config = config_of(shape)
    h, e = config.hidden, config.embedding
    layer = 4 * h * h + 2 * h * config.intermediate + 2 * h * length
    head = 0.15 * (h * e + e * config.vocabulary)
    return 6.0 * (config.layers * layer + e * h + head)


def product_rate(threads: int) -> float:
    """Operations a second of bf16 products 4096 × 768 × 3072, the median of some."""
    import torch

    torch.set_num_threads(threads)
    x, w = torch.randn(4096, 768).bfloat16(), torch.randn(768, 3072).bfloat16()
    times = []
    for _ in range(30):
        started = time.perf_counter()
        torch.mm(x, w)
        times.append(time.perf_counter() - started)
    return 2 * 4096 * 768 * 3072 / statistics.median(times[5:])


def batches_of(length: int, corpus: Path) -> Any:
    from litebert.data.corpus.reader import Corpus
    from litebert.data.masking import Instances
    from litebert.data.pretraining_batches import PretrainingBatches

    return PretrainingBatches(Instances(Corpus(corpus), length, SEED), PIECES // length)


def litebert(shape: str, length: int, corpus: Path, threads: int) -> tuple[float, int, float]:
    import torch

    from litebert.model.encoders.albert import Encoder
    from litebert.model.native.compiler import kernels
    from litebert.model.pretraining import PretrainingModel
    from litebert.model.products import fastest_dtype
    from litebert.training.loop import State, steps
    from litebert.training.objectives.pretraining import Pretraining
    from litebert.training.optimizers import optimizer
    from litebert.training.progress import Progress
    from litebert.training.settings import TrainSettings

    torch.manual_seed(SEED)
    model = PretrainingModel(Encoder(config_of(shape)), pairs=True)
    model.encoder.dtype = fastest_dtype()
    batches = batches_of(length, corpus)
    settings = TrainSettings(
        optimizer="lamb",
        learning_rate=RATE,
        schedule="constant",
        warmup=0.0,
        batch_size=batches.size,
        steps=WARM[shape] + TIMED[shape],
        threads=threads,
    )
    state = State(model, optimizer(settings, model), Progress())
    with kernels(True):
        taken = steps(state, Pretraining(guesses=batches.instances.guesses), batches, settings)
        return clock(((step.pieces, step.loss) for step in taken), WARM[shape])


def transformers(side: str, shape: str, length: int, corpus: Path) -> tuple[float, int, float]:
    import torch
    from transformers import AlbertForPreTraining

    from benchmarks.theirs import albert

    model = albert(AlbertForPreTraining, config_of(shape), SEED)
    run = torch.compile(model, dynamic=False) if side == "compiled" else model
    adamw = torch.optim.AdamW(model.parameters(), lr=RATE)
    batches = batches_of(length, corpus)

    def taken() -> Any:
        for number in range(WARM[shape] + TIMED[shape]):
            batch = batches(number)
            with torch.autocast("cpu", torch.bfloat16, enabled=side != "defaults"):
                loss = run(**padded(batch, length)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adamw.step()
            adamw.zero_grad(set_to_none=True)
            yield batch.pieces, float(loss.detach())

    return clock(taken(), WARM[shape])


def padded(batch: Any, length: int) -> dict[str, Any]:
    """The same samples as transformers wants them: rows of `length`, -100 where nothing is guessed."""
    import torch

    count = batch.packed.count
    places = torch.cat([torch.arange(n) + i * length for i, n in enumerate(batch.packed.lengths)])
    shape = (len(batch), length)

    def rows(values: Any, empty: int) -> Any:
        return torch.full((shape[0] * length,), empty).index_copy(0, places, values).view(shape)

    labels = torch.full((count,), -100).index_copy(0, batch.positions, batch.labels)
    return {
        "input_ids": rows(batch.packed.ids[:count], 0),
        "token_type_ids": rows(batch.packed.segments[:count], 0),
        "attention_mask": rows(torch.ones(count, dtype=torch.int64), 0),
        "labels": rows(labels, -100),
        "sentence_order_label": batch.order,
    }


def table(results: list[dict[str, Any]]) -> str:
    head = "| shape | length | side | tokens/s | utilisation | peak MB | litebert is |\n"
    head += "|---|--:|---|--:|--:|--:|--:|"
    rows = [
        f"| {row['shape']} | {row['length']} | {row['side']} | {row['tokens_per_second']:,.0f} "
        f"| {row['utilisation']:.0%} | {row['peak_mb']:,.0f} | {row['ours_is']:.2f} × |"
        for row in results
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
