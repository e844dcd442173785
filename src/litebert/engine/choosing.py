"""Whether one fused call of C++ answers sooner on this machine than torch's operators, one after another.

It does on every chip that was tried (`docs/performance.md`). For others it is measured when a model is
opened, on an encoder of two layers in the model's shape, and kept in the user's cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from math import inf
from pathlib import Path
from threading import Lock

import numpy as np
import torch

from litebert import durable, strict_json
from litebert.errors import LitebertError
from litebert.model.config import EncoderConfig
from litebert.model.eight_bits import Ranges
from litebert.model.encoders.albert import Encoder
from litebert.model.native.compiling import cache_folder, library
from litebert.model.native.layers import serves
from litebert.model.packing import Packed, pack_flat

WAYS = ("fused", "eager")
SIZES = ((1, 32), (1, 256), (8, 128))
"""Sequences, and pieces of each: a short text, a long one, and a batch."""
ROUNDS = 3
CLEARLY = 1.2
"""How many times as quick operators must be, at every size: or chance would choose, and be kept."""
LARGE = 2048
"""Hidden size above which nothing is measured: products are all that counts there, and take either way as
long."""

_MOST = 4096
"""Bytes of a file of these."""

Seconds = Mapping[str, Sequence[float]]
"""Of each way, for each of `SIZES`."""
_KNOWN: dict[str, Seconds] = {}
_MEASURING = Lock()
"""Two that measure at once would time each other."""


def fused_pays(config: EncoderConfig, dtype: torch.dtype) -> bool:
    """Whether to take the fused call where it serves, in products of `dtype`."""
    layered = config.family != "lstm" and config.hidden <= LARGE
    if not layered or not serves(config, dtype, torch.device("cpu")):
        return True
    with _MEASURING:
        seconds = _seconds(config, dtype)
    each = zip(*(seconds[way] for way in WAYS), strict=True)
    return not all(fused > CLEARLY * eager for fused, eager in each)


def _seconds(config: EncoderConfig, dtype: torch.dtype) -> Seconds:
    """Measured where that has not been done yet, once at most in a process."""
    key = _key(config, dtype)
    found = _KNOWN.get(key) or _read(key)
    if found is None:
        found = measured(config, dtype)
        _write(key, found)
    _KNOWN[key] = found
    return found


def _key(config: EncoderConfig, dtype: torch.dtype) -> str:
    """By the layers' shape, the library (whose name tells its source, compiler and processor), torch and its
    threads."""
    shape = (config.hidden, config.heads, config.intermediate, config.activation)
    compiled = getattr(library(), "_name", None)
    hangs_on = (shape, dtype, compiled, torch.__version__, torch.get_num_threads(), SIZES)
    return sha256(repr(hangs_on).encode()).hexdigest()[:16]


def _path(key: str) -> Path:
    return cache_folder() / f"speeds-{key}.json"


def _read(key: str) -> Seconds | None:
    """What an earlier process measured; None where there is nothing whole."""
    with suppress(OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError):
        path = _path(key)
        if not path.is_file() or path.stat().st_size > _MOST:
            return None
        found = strict_json.loads(path.read_text("utf-8"))
        seconds = {way: list(map(float, found[way])) for way in WAYS}
        good = all(len(row) == len(SIZES) and all(0 < s < inf for s in row) for row in seconds.values())
        return seconds if good else None
    return None


def _write(key: str, found: Seconds) -> None:
    """Where that can be: RuntimeError says that this user has no home."""
    with suppress(LitebertError, OSError, RuntimeError):
        path = _path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # What somebody linked from here stays as it is.
        durable.replace_json(path, found)


def measured(config: EncoderConfig, dtype: torch.dtype) -> dict[str, list[float]]:
    """Seconds that two layers take: the least of some rounds, the ways in turns."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    encoder = _encoder(config, dtype)
    with torch.inference_mode():
        for batch in _batches():
            for way in WAYS:  # Matrices are packed, and torch makes kernels for the shape.
                _taken(encoder, batch, dtype, way)
            rounds = [[_taken(encoder, batch, dtype, way) for way in WAYS] for _ in range(ROUNDS)]
            for way, taken in zip(WAYS, zip(*rounds, strict=True), strict=True):
                found[way].append(min(taken))
    return found


def _encoder(config: EncoderConfig, dtype: torch.dtype) -> Encoder:
    """With random weights, so few pieces and places that they cost nothing, and a block as wide as it was
    before `litebert compress`: of what is left each block may have another number."""
    places = max(length for _, length in SIZES)
    small = replace(config.whole, vocabulary=64, positions=places, attention=(0, 0), feedforward=(0, 0))
    with torch.random.fork_rng(devices=[]):
        encoder = Encoder(small).eval()
    if dtype is torch.int8:
        encoder.ranges = Ranges()
        with torch.inference_mode():
            encoder(next(_batches()), "pieces", dtype)
        encoder.ranges.watching = False
    return encoder


def _batches() -> Iterator[Packed]:
    for count, length in SIZES:
        nothing = np.zeros(count * length, np.int64)
        yield pack_flat(nothing, nothing, np.full(count, length), np.arange(count))


def _taken(encoder: Encoder, batch: Packed, dtype: torch.dtype, way: str) -> float:
    """Of one thread its own time, whatever else the machine does meanwhile."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    encoder.fused = way == "fused"
    began = clock()
    encoder(batch, "first", dtype)
    return clock() - began
