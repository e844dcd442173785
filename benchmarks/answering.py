"""Ways to get logits for encodings: litebert's, and the peers' as documented and at their best."""

from __future__ import annotations

import os
import threading
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
from litebert.run import save
from litebert.tasks.classification import Classification
from litebert.text.encoding import Encoding
from litebert.text.loading import load_tokenizer

SHAPES = {"base": "albert-base-v2", "tiny": "albert-zh-tiny"}
PLACES = 4096
"""Places of a peer's batch in its best setting."""

Logits = NDArray[np.float32]
Feed = dict[str, NDArray[np.int64]]
Call = Callable[[Feed], Logits]


@dataclass(frozen=True)
class Side:
    """One way to get logits for encodings: all at once, and for one."""

    name: str
    all: Callable[[Sequence[Encoding]], Logits]
    one: Callable[[Encoding], Logits]


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


def ours(folder: Path, precision: str, quality: float = 1.0) -> Side:
    predictor: Predictor[Any, Any] = open_model(str(folder), precision=precision, quality=quality)

    def logits(encodings: Sequence[Encoding]) -> Logits:
        return np.stack([scores["logits"] for scores in predictor.scores(encodings)])

    name = f"litebert {precision}" + (f" quality {quality:.4f}" if quality < 1 else "")
    return Side(name, logits, lambda one: logits([one]))


def peers(folder: Path, name: str, precision: str, threads: int) -> Iterator[Side]:
    """As documented, and in each setting that might be its best."""
    call = OPENERS[name](folder, precision, threads)
    called = f"{name} {precision}"
    yield Side(f"{called} doc", in_batches(call, _in_order), _alone(call))
    yield Side(f"{called} sorted", in_batches(call, by_length), _alone(call))
    if name != "transformers" and threads > 1:
        single = OPENERS[name](folder, precision, 1, streams=threads)
        pool = ThreadPoolExecutor(threads)
        yield Side(f"{called} streams", in_batches(single, by_length, pool.map), _alone(call))


def transformers(folder: Path, precision: str, _threads: int) -> Call:
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
    file = exported(folder, "onnx", precision) / "model.onnx"
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
    file = exported(folder, "openvino", precision) / "model.xml"
    model = openvino.Core().compile_model(file, "CPU", settings)
    own = threading.local()

    def call(feed: Feed) -> Logits:
        if not hasattr(own, "request"):
            own.request = model.create_infer_request()
        return np.array(own.request.infer(feed)["logits"], dtype=np.float32)

    return call


OPENERS: dict[str, Callable[..., Call]] = {
    "transformers": transformers,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}


def exported(folder: Path, to: str, precision: str) -> Path:
    out = folder / f"{to}-{precision}"
    if not out.exists():
        export(str(folder), out, to=to, precision=precision)  # type: ignore[arg-type]
    return out


def _in_order(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    yield from (list(range(i, min(i + 32, len(encodings)))) for i in range(0, len(encodings), 32))


def by_length(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Longest first, so that the last to be done are small."""
    batch: list[int] = []
    for i in sorted(range(len(encodings)), key=lambda i: -len(encodings[i])):
        if batch and (len(batch) + 1) * len(encodings[batch[0]]) > PLACES:
            yield batch
            batch = []
        batch.append(i)
    yield batch


def in_batches(
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
