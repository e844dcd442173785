"""Answering: litebert against transformers, ONNX Runtime and OpenVINO, same weights, same real texts.

    LITEBERT_DATA=… python -m benchmarks.inference [--shapes tiny] [--sets sst2] [--peers openvino]
        [--texts 200] [--alone 50] [--rounds 3] [--parts bulk alone utilisation cold] [--json]

Encodings are made beforehand and are the same for all; what is timed goes from them to logits. Each peer runs
as its documentation says (`doc`: batches of 32 in file order, padded to the longest) and in its best setting
(`sorted`: by length, about 4,096 places a batch; `streams`: the same, a single-threaded stream for each
core). All sides are open in one process and take turns, round after round; figures are medians. ONNX Runtime
and OpenVINO run the files that `litebert export` writes: the vendors' own tools quantise one use of a shared
matrix of twelve. Weights are random, with a head wide enough that answers differ; `other answers` is against
transformers in fp32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.answering import (
    SHAPES,
    Logits,
    Side,
    by_length,
    exported,
    in_batches,
    made,
    ours,
    peers,
    transformers,
)
from benchmarks.real_texts import SETS, texts_of
from litebert.engine.opening import open_model
from litebert.engine.predictor import Predictor
from litebert.model.config import published
from litebert.model.model import Model
from litebert.model.packing import pack
from litebert.model.products import Product
from litebert.tasks.classification import Classification
from litebert.text.encoding import Encoding
from litebert.text.loading import load_tokenizer

OURS = ("fp32", "bf16", "int8")
PEERS = {
    "transformers": ("fp32", "bf16", "compiled"),
    "onnxruntime": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
}
PARTS = ("bulk", "alone", "utilisation", "cold")
LENGTHS = (16, 32, 64, 128, 256, 512)


def compare(given: argparse.Namespace, shape: str, name: str) -> dict[str, Any]:
    """Bulk and one at a time, of all sides in turns."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = made(shape, SETS[name][2], Path(temporary) / "model")
        _, limit, vocabulary = SETS[name]
        task = Classification(labels=("no", "yes"), max_pieces=limit)
        tokenizer = load_tokenizer(Path(os.environ["LITEBERT_DATA"]) / vocabulary)
        many = task.encode_many(texts_of(name, given.texts), tokenizer)
        encodings = [one for found in many if isinstance(found, list) for one in found]
        sides = list(_sides(given, folder))
        reference = in_batches(transformers(folder, "fp32", given.threads), by_length)(encodings)
        rows = [_row(side, encodings, reference) for side in sides]
        if "bulk" in given.parts:
            _timed(rows, sides, given.rounds, "seconds", lambda side: side.all(encodings))
        alone = encodings[: given.alone]
        if "alone" in given.parts:
            _waits(rows, sides, given.rounds, alone)
    pieces = sum(map(len, encodings))
    for row in rows:
        if "seconds" in row:
            row["per_second"] = len(encodings) / statistics.median(row.pop("seconds"))
    return {"shape": shape, "set": name, "texts": len(encodings), "pieces": pieces, "sides": rows}


def _sides(given: argparse.Namespace, folder: Path) -> Iterator[Side]:
    for precision in given.ours:
        yield ours(folder, precision)
    for name, precisions in PEERS.items():
        for precision in precisions:
            if any(f"{name}-{precision}".startswith(asked) for asked in given.peers):
                yield from peers(folder, name, precision, given.threads)


def _row(side: Side, encodings: Sequence[Encoding], reference: Logits) -> dict[str, Any]:
    """Warm, and compared: the share of other answers, and the greatest difference of two logits."""
    logits = side.all(encodings)
    other = float((logits.argmax(1) != reference.argmax(1)).mean())
    return {"side": side.name, "other_answers": other, "difference": float(abs(logits - reference).max())}


def _timed(
    rows: Sequence[dict[str, Any]],
    sides: Sequence[Side],
    rounds: int,
    key: str,
    work: Callable[[Side], Any],
) -> None:
    for _ in range(rounds):
        for row, side in zip(rows, sides, strict=True):
            began = time.perf_counter()
            work(side)
            row.setdefault(key, []).append(time.perf_counter() - began)


def _waits(
    rows: Sequence[dict[str, Any]], sides: Sequence[Side], rounds: int, encodings: Sequence[Encoding]
) -> None:
    """One at a time; shapes are met once before they are timed."""
    for side in sides:
        for one in encodings:
            side.one(one)
    waits: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            for one in encodings:
                began = time.perf_counter()
                side.one(one)
                waits[side.name].append(1000 * (time.perf_counter() - began))
    for row, side in zip(rows, sides, strict=True):
        row["p50"], row["p99"] = (float(np.percentile(waits[side.name], q)) for q in (50, 99))


def utilisation(given: argparse.Namespace, shape: str) -> list[dict[str, Any]]:
    """Of the whole encoder, for pieces: multiplications of products and attention, over what one packed
    product of these widths makes."""
    config = published(SHAPES[shape])
    h, i = config.hidden, config.intermediate
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = made(shape, SETS["sst2"][2], Path(temporary) / "model")
        for precision in given.ours:
            predictor: Predictor[Any, Any] = open_model(str(folder), precision=precision)
            model: Model = predictor.runner.model  # type: ignore[attr-defined]
            model.encoder.dtype = predictor.runner.dtype  # type: ignore[attr-defined]
            limit = _limit(precision, h, i)
            for length in LENGTHS:
                count = max(1, 2048 // length)
                batch = pack([_made_of(length)] * count)
                work = 2 * config.layers * count * length * (4 * h * h + 2 * h * i + 2 * length * h)
                seconds = _best(lambda model=model, batch=batch: model.encoder(batch, "pieces"), given.rounds)
                rate = work / seconds / 1e9
                found.append(
                    {"shape": shape, "precision": precision, "length": length}
                    | {"gflops": rate, "packed_product": limit, "utilisation": rate / limit}
                )
    return found


def _made_of(length: int) -> Encoding:
    ids = np.arange(5, 5 + length, dtype=np.int32)
    return Encoding(ids, np.zeros(length, np.int8), np.zeros((length, 2), np.int32))


def _limit(precision: str, h: int, i: int) -> float:
    """GFLOP/s of a packed product of 1,024 rows with the largest matrix of the block."""
    weight, bias = torch.randn(i, h) / h**0.5, torch.zeros(i)
    x = torch.randn(1024, h)
    with torch.inference_mode():
        if precision == "int8":
            from litebert.model.eight_bits import EightBits, Ranges

            ranges = Ranges({("x", 0): (-5.0, 5.0), ("y", 0): (-5.0, 5.0)}, watching=False)
            product: Any = EightBits(weight, bias, ranges, "x", None, "y")
            x = torch.randint(0, 255, x.shape).to(torch.uint8)
        else:
            dtype = torch.bfloat16 if precision == "bf16" else torch.float32
            product, x = Product(weight, bias, dtype), x.to(dtype)
    return 2 * 1024 * h * i / _best(lambda: product(x), 50) / 1e9


def _best(work: Callable[[], Any], rounds: int) -> float:
    """Seconds of the quickest of some."""
    with torch.inference_mode():
        work()
        seconds = []
        for _ in range(max(3, rounds)):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    return min(seconds)


def cold(given: argparse.Namespace, shape: str) -> list[dict[str, Any]]:
    """Seconds from nothing to the first answer, by each way to answer."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = made(shape, SETS["sst2"][2], Path(temporary) / "model")
        models = {"torch": folder} | {
            name: exported(folder, to, "fp32")
            for name, to in (("onnxruntime", "onnx"), ("openvino", "openvino"))
        }
        return [
            {"shape": shape, "way": name, "seconds": min(_start(model) for _ in range(given.rounds))}
            for name, model in models.items()
        ]


def _start(model: Path) -> float:
    command = [sys.executable, "-m", "litebert", "predict", "--model", str(model)]
    began = time.perf_counter()
    subprocess.run(command, input='{"text": "a fine film"}\n', text=True, check=True, capture_output=True)
    return time.perf_counter() - began


def told(result: dict[str, Any]) -> str:
    head = f"{result['shape']}, {result['set']}: {result['texts']} texts, {result['pieces']} pieces"
    lines = [f"\n{head}\n\n| side | texts/s | p50 ms | p99 ms | other answers | difference |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    for row in result["sides"]:
        speed, p50, p99 = (f"{row[key]:.5g}" if key in row else "–" for key in ("per_second", "p50", "p99"))
        lines.append(
            f"| {row['side']} | {speed} | {p50} | {p99} "
            f"| {row['other_answers']:.2%} | {row['difference']:.1e} |"
        )
    return "\n".join(lines)


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["", "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--ours", nargs="+", default=list(OURS), choices=OURS)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), help="names, or name-precision")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--alone", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for shape in given.shapes:
        if {"bulk", "alone"} & set(given.parts):
            for name in given.sets:
                result = compare(given, shape, name)
                print(json.dumps(result) if given.json else told(result), flush=True)
        for part, measure in (("utilisation", utilisation), ("cold", cold)):
            if part in given.parts:
                rows = measure(given, shape)
                print(json.dumps(rows) if given.json else table(rows), flush=True)


if __name__ == "__main__":
    main()
