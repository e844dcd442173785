"""Variables out of a bundle: mapped, checked, and handed over as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError, nearest
from litebert.model.checkpoints.bundle.crc32c import crc32c
from litebert.model.checkpoints.bundle.index import WIDTHS, Entry, Index, decode
from litebert.model.checkpoints.bundle.prefix import data_path, find, index_path, naming

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
INDEX_LIMIT = 1 << 24
"""Bytes in an `.index` file; that of BERT-large with its optimiser's state has less than 100 kB."""


def read_index(prefix: str | Path) -> dict[str, Entry]:
    """What a checkpoint holds, sorted by name; its data files are not looked at.

    `prefix` is a folder, a prefix (`folder/model.ckpt`) or one of the checkpoint's files. Raises `ModelError`
    with the file's name if there is none or if it is damaged.
    """
    return _index(find(prefix)).entries


def read(prefix: str | Path, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """The variables called `names` (all, if left out), each with its checksum tested.

    Arrays are mapped from the file where they can be: changing one changes nothing on disk. bfloat16 comes as
    float32, all else as it is. Raises `ModelError` for a missing or damaged file, for a name that is
    not there (the nearest is said) and for strings, which no model's weights are.
    """
    found = find(prefix)
    index = _index(found)
    wanted = list(index.entries if names is None else names)
    entries = {name: _entry(name, index, index_path(found)) for name in wanted}
    paths = {entry.shard: data_path(found, entry.shard, index.shards) for entry in entries.values()}
    shards = {shard: _map(path) for shard, path in paths.items()}
    tensors = {}
    for name, entry in entries.items():
        with naming(paths[entry.shard]):
            tensors[name] = _tensor(name, entry, shards[entry.shard])
    return tensors


def _index(prefix: Path) -> Index:
    path = index_path(prefix)
    with naming(path):
        size = path.stat().st_size
        if size > INDEX_LIMIT:
            raise ModelError(f"it has {size} bytes; an index has at most {INDEX_LIMIT}")
        return decode(path.read_bytes())


def _entry(name: str, index: Index, path: Path) -> Entry:
    if name not in index.entries:
        raise ModelError(f"{path}: {nearest(name, index.entries, 'variable')}")
    entry = index.entries[name]
    if entry.dtype not in WIDTHS:
        kind = "an object checkpoint of TensorFlow 2 (Keras)" if name == _OBJECT_GRAPH else entry.dtype
        raise ModelError(
            f"{path}: {name!r} is of {kind}, which litebert does not read; leave it out by `names`"
        )
    return entry


def _map(path: Path) -> NDArray[np.uint8]:
    """A data file's bytes, copied page by page if someone writes to them."""
    with naming(path):
        if path.stat().st_size == 0:  # which cannot be mapped
            return np.empty(0, np.uint8)
        return np.asarray(np.memmap(path, np.uint8, mode="c"))


def _tensor(name: str, entry: Entry, shard: NDArray[np.uint8]) -> NDArray[Any]:
    end = entry.offset + entry.size
    if end > len(shard):
        raise ModelError(f"it has {len(shard)} bytes, but {name!r} ends at byte {end}: it is cut short")
    raw = shard[entry.offset : end]
    if crc32c(raw) != entry.crc32c:
        raise ModelError(f"{name!r} is damaged: its checksum is wrong")
    return _values(raw, entry.dtype).reshape(entry.shape)


def _values(raw: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    if dtype == "bool":
        return np.not_equal(raw, 0)
    if dtype == "bfloat16":  # the upper half of a float32
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    values = raw.view(np.dtype(dtype).newbyteorder("<"))
    aligned: NDArray[Any] = np.require(
        values, np.dtype(dtype), "A"
    )  # a copy only if it lies askew in the file
    return aligned
