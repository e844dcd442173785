"""Arrays into a bundle that TensorFlow's `tf.train.Saver` and `load_checkpoint` read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from litebert.durable import replace, replacing
from litebert.errors import ModelError
from litebert.model.checkpoints.bundle.crc32c import crc32c
from litebert.model.checkpoints.bundle.index import RANK_LIMIT, WIDTHS, Entry, Index, check_name, encode
from litebert.model.checkpoints.bundle.prefix import STATE_FILE, data_path, index_path, naming, state


def write(prefix: str | Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write `tensors` as the checkpoint `prefix` (`folder/model.ckpt`) and make it its folder's latest.

    Makes the folder if need be. Each file takes its name only when it is whole, the index after the data.
    Raises `ModelError` for a name or a dtype that a checkpoint cannot hold, and `LitebertError` (code `disk`)
    if writing fails.
    """
    prefix = Path(prefix)
    if prefix.is_dir() or not prefix.name:
        raise ModelError(f"{prefix}: this is a folder; name a checkpoint in it, as {prefix / 'model.ckpt'}")
    if not tensors:
        raise ModelError(f"{prefix}: there are no variables to write")
    with naming(prefix):
        arrays = {name: _checked(name, tensors[name]) for name in sorted(tensors, key=check_name)}
    with replacing(data_path(prefix, 0, 1)) as fresh, fresh.open("wb") as file:
        entries = _write_data(file, arrays)
    replace(index_path(prefix), encode(Index(entries, shards=1)))
    replace(prefix.with_name(STATE_FILE), state(prefix.name))


def _checked(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(tensor)
    if array.dtype.name not in WIDTHS:
        raise ModelError(f"{name!r} is of {array.dtype}; a checkpoint can hold {', '.join(sorted(WIDTHS))}")
    if array.ndim > RANK_LIMIT:
        raise ModelError(f"{name!r} has {array.ndim} dimensions; a checkpoint can hold {RANK_LIMIT}")
    return array


def _write_data(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Entry]:
    entries, offset = {}, 0
    for name, array in arrays.items():
        raw = np.asarray(array, array.dtype.newbyteorder("<"), order="C").reshape(-1).view(np.uint8)
        file.write(raw.data)
        entries[name] = Entry(array.dtype.name, array.shape, 0, offset, raw.size, crc32c(raw))
        offset += raw.size
    return entries
