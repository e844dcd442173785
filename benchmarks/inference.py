"""Answering: litebert against transformers, ONNX Runtime and OpenVINO, same weights, same real texts.

    LITEBERT_DATA=… python -P benchmarks/inference.py [--shapes tiny] [--sets sst2] [--peers openvino]
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
import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.engine.opening import open_model
from litebert.engine.predictor import Predictor
from litebert.exporting.export import export
from litebert.model.config import published
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.packing import pack
from litebert.model.products import Product
from litebert.run import save
from litebert.tasks.classification import Classification
from litebert.tasks.texts import Text
from litebert.text.encoding import Encoding
from litebert.text.loading import load_tokenizer

SHAPES = {"base": "albert-base-v2", "tiny": "albert-zh-tiny"}
OURS = ("fp32", "bf16", "int8")
PEERS = {
    "transformers": ("fp32", "bf16", "compiled"),
    "onnxruntime": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
}
PARTS = ("bulk", "alone", "utilisation", "cold")
PLACES = 4096
"""Places of a peer's batch in its best setting."""
LENGTHS = (16, 32, 64, 128, 256, 512)

Logits = NDArray[np.float32]
Feed = dict[str, NDArray[np.int64]]
Call = Callable[[Feed], Logits]


@dataclass(frozen=True)
class Side:
    """One way to get logits for encodings: all at once, and for one."""

    name: str
    all: Callable[[Sequence[Encoding]], Logits]
    one: Callable[[Encoding], Logits]


# Texts


def _lines(name: str) -> Iterator[str]:
    with gzip.open(Path(os.environ["LITEBERT_DATA"]) / name, "rt", encoding="utf-8") as file:
        yield from (line.rstrip("\n") for line in file)


def _sst2() -> Iterator[Text]:
    yield from (Text(line.split("\t")[1]) for line in list(_lines("glue/SST-2/test.tsv.gz"))[1:])


def _ag() -> Iterator[Text]:
    yield from (Text(f"{row[1]} {row[2]}") for row in csv.reader(_lines("ag_news/test.csv.gz")))


def _imdb() -> Iterator[Text]:
    yield from (Text(json.loads(line)["text"]) for line in _lines("imdb/train.0of4.jsonl.gz"))


def _chn() -> Iterator[Text]:
    yield from (Text(line.split("\t")[0]) for line in _lines("chnsenticorp_zh/dev.tsv.gz"))


def _passages() -> Iterator[Text]:
    data = json.loads("".join(_lines("squad_v2_half/dev-v2.0.half.json.gz")))["data"]
    for paragraph in (paragraph for article in data for paragraph in article["paragraphs"]):
        yield from (Text(asked["question"], paragraph["context"]) for asked in paragraph["qas"])


SETS: dict[str, tuple[Callable[[], Iterator[Text]], int, str]] = {
    "sst2": (_sst2, 512, "albert_en_vocab/spiece.model"),
    "ag": (_ag, 512, "albert_en_vocab/spiece.model"),
    "imdb": (_imdb, 512, "albert_en_vocab/spiece.model"),
    "chn": (_chn, 512, "albert_zh_vocab/vocab.txt"),
    "passages": (_passages, 384, "albert_en_vocab/spiece.model"),
}
"""By name: the texts, at how many pieces they are cut, and whose vocabulary reads them."""


def texts_of(name: str, most: int) -> list[Text]:
    """`most` of them, from all over the set."""
    found = list(SETS[name][0]())
    return found[:: max(1, len(found) // most)][:most]


# Sides


def made(shape: str, vocabulary: str, folder: Path) -> Path:
    """A model of that shape with random weights, in a folder that every side can open."""
    tokenizer = load_tokenizer(Path(os.environ["LITEBERT_DATA"]) / vocabulary)
    config = replace(published(SHAPES[shape]), vocabulary=tokenizer.size)
    torch.manual_seed(1)
    task = Classification(labels=("no", "yes", "perhaps"))
    model = Model(Encoder(config), task.head(config))
    for name, parameter in model.named_parameters():
        if name.startswith(("head", "encoder.pooler")):
            torch.nn.init.normal_(parameter, std=config.hidden**-0.5)
    save(folder, model, task, tokenizer)
    return folder


def ours(folder: Path, precision: str) -> Side:
    predictor: Predictor[Any, Any] = open_model(str(folder), precision=precision)

    def logits(encodings: Sequence[Encoding]) -> Logits:
        return np.stack([scores["logits"] for scores in predictor.scores(encodings)])

    return Side(f"litebert {precision}", logits, lambda one: logits([one]))


def peers(folder: Path, name: str, precision: str, threads: int) -> Iterator[Side]:
    """As documented, and in each setting that might be its best."""
    call = OPENERS[name](folder, precision, threads)
    called = f"{name} {precision}"
    yield Side(f"{called} doc", _in_batches(call, _in_order), _alone(call))
    yield Side(f"{called} sorted", _in_batches(call, _by_length), _alone(call))
    if name != "transformers" and threads > 1:
        single = OPENERS[name](folder, precision, 1, streams=threads)
        pool = ThreadPoolExecutor(threads)
        yield Side(f"{called} streams", _in_batches(single, _by_length, pool.map), _alone(call))


def _transformers(folder: Path, precision: str, _threads: int) -> Call:
    from transformers import AlbertForSequenceClassification

    model = AlbertForSequenceClassification.from_pretrained(folder).eval()
    if precision != "fp32":
        model = model.to(torch.bfloat16)
    if precision == "compiled":
        model = torch.compile(model, dynamic=True)

    def call(feed: Feed) -> Logits:
        with torch.inference_mode():
            found = model(**{name: torch.from_numpy(values) for name, values in feed.items()})
        return found.logits.float().numpy()  # type: ignore[no-any-return]

    return call


def _onnxruntime(folder: Path, precision: str, threads: int, streams: int = 1) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    file = _exported(folder, "onnx", precision) / "model.onnx"
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    del streams  # A session may be called from as many threads as there are.
    return lambda feed: session.run(["logits"], feed)[0]


def _openvino(folder: Path, precision: str, threads: int, streams: int = 1) -> Call:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
        "INFERENCE_NUM_THREADS": threads * streams,
        "NUM_STREAMS": streams,
    }
    file = _exported(folder, "openvino", precision) / "model.xml"
    model = openvino.Core().compile_model(file, "CPU", settings)
    own = threading.local()

    def call(feed: Feed) -> Logits:
        if not hasattr(own, "request"):
            own.request = model.create_infer_request()
        return np.array(own.request.infer(feed)["logits"], dtype=np.float32)

    return call


OPENERS: dict[str, Callable[..., Call]] = {
    "transformers": _transformers,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}


def _exported(folder: Path, to: str, precision: str) -> Path:
    out = folder / f"{to}-{precision}"
    if not out.exists():
        export(str(folder), out, to=to, precision=precision)  # type: ignore[arg-type]
    return out


def _in_order(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    yield from (list(range(i, min(i + 32, len(encodings)))) for i in range(0, len(encodings), 32))


def _by_length(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Longest first, so that the last to be done are small."""
    batch: list[int] = []
    for i in sorted(range(len(encodings)), key=lambda i: -len(encodings[i])):
        if batch and (len(batch) + 1) * len(encodings[batch[0]]) > PLACES:
            yield batch
            batch = []
        batch.append(i)
    yield batch


def _in_batches(
    call: Call,
    cut: Callable[[Sequence[Encoding]], Iterable[list[int]]],
    through: Callable[..., Iterable[Logits]] = map,
) -> Callable[[Sequence[Encoding]], Logits]:
    def run(encodings: Sequence[Encoding]) -> Logits:
        members = list(cut(encodings))
        found = through(lambda batch: call(_rows([encodings[i] for i in batch])), members)
        logits = np.concatenate(list(found))
        back = np.empty_like(logits)
        back[np.concatenate(members)] = logits
        return back

    return run


def _alone(call: Call) -> Callable[[Encoding], Logits]:
    return lambda one: call(_rows([one]))


def _rows(encodings: Sequence[Encoding]) -> Feed:
    """Padded to the longest, as a tokenizer gives them."""
    width = max(map(len, encodings))
    feed = {
        name: np.zeros((len(encodings), width), np.int64)
        for name in ("input_ids", "token_type_ids", "attention_mask")
    }
    for row, one in enumerate(encodings):
        for values, given in zip(feed.values(), (one.ids, one.segments, 1), strict=True):
            values[row, : len(one)] = given
    return feed


# Measures


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
        reference = _in_batches(_transformers(folder, "fp32", given.threads), _by_length)(encodings)
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
            name: _exported(folder, to, "fp32")
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


# What is told


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
