"""How an encoder is worked out quickest on this machine: by one call of C++, or by torch's operators, one
after another; and in bf16 or fp32, where a person leaves that open. Not every chip that has bf16 is quicker
by it, nor need the call be ahead on every one.

It is measured when a model is opened, on one layer, and kept in the user's cache by all that it hangs on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from math import inf, log
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from litebert import durable, strict_json
from litebert.errors import LitebertError
from litebert.model.encoders.albert import Encoder
from litebert.model.native.compiling import cache_folder, library
from litebert.model.native.layers import serves
from litebert.model.packing import Packed, pack
from litebert.text.encoding import Encoding

Way = tuple[torch.dtype, bool]
"""A precision, and whether by one call."""
Seconds = Mapping[Way, Sequence[float]]
"""Of each way, for each of `SIZES`."""
SIZES = ((1, 32), (4, 32), (1, 256))
"""Sequences, and pieces of each: a short text, a few, and a long one."""
ROUNDS = 3
ENOUGH = 0.5
"""Seconds after which no further round begins."""
CLEARLY = 1.2
"""How many times as quick as the first another way must be, at every size: or chance would choose, and what
it chose would be kept."""
_KNOWN: dict[str, Seconds] = {}


def choose(encoder: Encoder, precisions: Sequence[torch.dtype]) -> torch.dtype:
    """The quickest of some precisions, the first of them unless another is clearly quicker. The encoder then
    goes the quicker way in it: the call, where it serves, unless torch's operators clearly are."""
    ways = list(_ways(encoder, precisions))
    if len(ways) == 1:
        return ways[0][0]
    seconds = _seconds(encoder, ways)
    best = [_quickest([way for way in ways if way[0] is precision], seconds) for precision in precisions]
    dtype, at_once = _quickest(best, seconds)
    encoder.one_by_one = encoder.one_by_one - {dtype} if at_once else encoder.one_by_one | {dtype}
    return dtype


def _ways(encoder: Encoder, precisions: Sequence[torch.dtype]) -> Iterator[Way]:
    """Those that there are; of each precision the call first."""
    for precision in precisions:
        if serves(encoder.config, precision, torch.device("cpu")):
            yield precision, True
        yield precision, False


def _quickest(ways: Sequence[Way], seconds: Seconds) -> Way:
    first = ways[0]
    clearly = [
        way for way in ways if all(a > CLEARLY * b for a, b in zip(seconds[first], seconds[way], strict=True))
    ]
    return min(clearly, key=lambda way: sum(map(log, seconds[way])), default=first)


def _seconds(encoder: Encoder, ways: Sequence[Way]) -> Seconds:
    """Of each way; measured where that has not been done yet, once at most in a process."""
    key = _key(encoder, ways)
    found = _KNOWN.get(key) or _read(key, ways)
    if found is None:
        found = measured(encoder, ways)
        _write(key, found)
    _KNOWN[key] = found
    return found


def _key(encoder: Encoder, ways: Sequence[Way]) -> str:
    """By the encoder's shape, the library (whose name tells its source, compiler and processor), torch and
    its threads."""
    compiled = getattr(library(), "_name", None)
    hangs_on = (encoder.config, compiled, torch.__version__, torch.get_num_threads(), ways, SIZES)
    return sha256(repr(hangs_on).encode()).hexdigest()[:16]


def _path(key: str) -> Path:
    return cache_folder() / f"speeds-{key}.json"


def _read(key: str, ways: Sequence[Way]) -> Seconds | None:
    """What an earlier process measured; None where there is nothing whole."""
    with suppress(OSError, RuntimeError, ValueError, KeyError, TypeError):
        found = strict_json.loads(_path(key).read_text("utf-8"))
        seconds = {way: list(map(float, found[_name(way)])) for way in ways}
        good = all(len(row) == len(SIZES) and all(0 < s < inf for s in row) for row in seconds.values())
        return seconds if good else None
    return None


def _write(key: str, found: Seconds) -> None:
    """Where that can be: RuntimeError says that this user has no home."""
    with suppress(LitebertError, OSError, RuntimeError):
        path = _path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace_json(path, {_name(way): seconds for way, seconds in found.items()})


def _name(way: Way) -> str:
    precision, at_once = way
    return f"{str(precision).removeprefix('torch.')} {'in one call' if at_once else 'by operators'}"


def measured(encoder: Encoder, ways: Sequence[Way]) -> Seconds:
    """Seconds of processor time that one layer takes, whatever else the machine does meanwhile."""
    before = encoder.one_by_one
    with torch.inference_mode():
        rows = [_least(encoder, ways, batch, states) for batch, states in _batches(encoder)]
    encoder.one_by_one = before
    encoder.unpack()
    return {way: [row[way] for row in rows] for way in ways}


def _least(encoder: Encoder, ways: Sequence[Way], batch: Packed, states: Tensor) -> dict[Way, float]:
    """Of each way the least of some rounds in turns."""
    for way in ways:  # torch makes kernels for a shape when it meets it.
        _of_a_layer(encoder, way, batch, states)
    least, end = dict.fromkeys(ways, inf), time.monotonic() + ENOUGH
    for _ in range(ROUNDS):
        for way in ways:
            least[way] = min(least[way], _of_a_layer(encoder, way, batch, states))
        if time.monotonic() > end:
            break
    return least


def _batches(encoder: Encoder) -> Iterator[tuple[Packed, Tensor]]:
    for count, length in SIZES:
        whole = min(length, encoder.config.positions)
        ids, segments = np.zeros(whole, np.int32), np.zeros(whole, np.int8)
        batch = pack([Encoding(ids, segments, np.zeros((whole, 2), np.int32))] * count)
        yield batch, torch.randn(len(batch.ids), encoder.config.hidden)


def _of_a_layer(encoder: Encoder, way: Way, batch: Packed, states: Tensor) -> float:
    precision, at_once = way
    encoder.one_by_one = frozenset(() if at_once else (precision,))
    run = encoder.run(precision)
    began = time.process_time()
    encoder.through(states, batch, run, first=False, end=1)
    return time.process_time() - began
