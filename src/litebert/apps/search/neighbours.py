"""The nearest of many vectors: exactly, by all products, or nearly, by a graph (HNSW, arXiv 1603.09320)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from litebert.errors import UsageError

Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


class Neighbours(Protocol):
    """What finds vectors by their keys."""

    def nearest(self, vector: Vectors, count: int) -> tuple[Ints, Vectors]:
        """The keys of the nearest and their cosines, nearest first; at most `count`."""


class Exact:
    """All products: of 100,000 vectors some 20 ms, and nothing is missed. Vectors are [n, H], of length 1."""

    def __init__(self, keys: Ints, vectors: Vectors) -> None:
        self.keys, self.vectors = keys, vectors

    def nearest(self, vector: Vectors, count: int) -> tuple[Ints, Vectors]:
        cosines = self.vectors @ vector
        count = min(count, len(cosines))
        found = np.argpartition(-cosines, count - 1)[:count] if count else np.zeros(0, np.int64)
        found = found[np.lexsort((self.keys[found], -cosines[found]))]
        return self.keys[found], cosines[found]


class Graph:
    """usearch's graph: the time grows with the logarithm of how many there are; a few per cent are missed."""

    def __init__(self, width: int, file: Path | None = None) -> None:
        """Empty, or as `save` left it."""
        self._index: Any = _usearch().Index(ndim=width, metric="ip", dtype="f32")
        if file is not None:
            self._index.load(str(file))

    def __len__(self) -> int:
        return len(self._index)

    def add(self, keys: Ints, vectors: Vectors) -> None:
        if len(keys):
            self._index.add(keys.astype(np.uint64), np.ascontiguousarray(vectors), threads=1)

    def remove(self, keys: Ints) -> None:
        for key in keys.tolist():
            self._index.remove(key)

    def nearest(self, vector: Vectors, count: int) -> tuple[Ints, Vectors]:
        if not len(self):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        found = self._index.search(np.asarray(vector, np.float32), min(count, len(self)))
        return found.keys.astype(np.int64), (1 - found.distances).astype(np.float32)

    def save(self, file: Path) -> None:
        self._index.save(str(file))


def _usearch() -> Any:
    """Raises `UsageError` where it is not installed."""
    try:
        from usearch import index
    except ImportError:
        raise UsageError(
            "approximate neighbours need usearch: pip install 'litebert[search]' (or do without: "
            "--neighbours exact)"
        ) from None
    return index
