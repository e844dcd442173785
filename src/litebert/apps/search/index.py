"""An index: documents, their passages, and what they are found by; read from its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from litebert.apps.search import storage
from litebert.apps.search.documents import Document
from litebert.apps.search.neighbours import Exact, Graph, Neighbours, Vectors
from litebert.apps.search.passages import Span
from litebert.apps.search.storage import Manifest
from litebert.text.bm25 import WordIndex

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Index:
    """Documents, their passages, and by what they are found.

    keys: int64 [P], a number that a passage keeps for as long as it is there; owners: [P], its document;
    spans: [P, 2], its place in the document's text; vectors: [P, H], or None for words alone.
    """

    documents: Sequence[Document]
    keys: Ints
    owners: Ints
    spans: Ints
    words: WordIndex
    vectors: Vectors | None
    neighbours: Neighbours | None

    def span(self, passage: int) -> Span:
        return Span(*self.spans[passage].tolist())

    def text(self, passage: int) -> str:
        """What a passage says."""
        span = self.span(passage)
        document: Document = self.documents[self.owners[passage]]
        return document.text[span.start : span.end]

    def read(self, passage: int) -> str:
        """What a passage is read with: a heading, or a question, before it."""
        heading = self.documents[self.owners[passage]].heading
        return f"{heading}\n{self.text(passage)}" if heading else self.text(passage)

    def rows(self, keys: Ints) -> Ints:
        """The passages of these keys, which rise with the passages."""
        return np.searchsorted(self.keys, keys)


def load(folder: Path, manifest: Manifest) -> Index:
    """The index of a folder. Raises `ModelError` for a file that is not there or damaged."""
    documents = [
        Document(**json.loads(line))
        for line in storage.file(folder, manifest, "documents").read_text("utf-8").splitlines()
    ]
    with np.load(storage.file(folder, manifest, "passages"), allow_pickle=False) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    vocabulary = json.loads(storage.file(folder, manifest, "vocabulary").read_bytes())
    words = WordIndex(tuple(vocabulary), held["starts"], held["ids"], held["counts"])
    keys, vectors, near = held["keys"], None, None
    if manifest.model is not None:
        vectors = np.load(storage.file(folder, manifest, "vectors"), allow_pickle=False)
        near = _neighbours(folder, manifest, keys, vectors)
    return Index(documents, keys, held["owners"], held["spans"], words, vectors, near)


def _neighbours(folder: Path, manifest: Manifest, keys: Ints, vectors: Vectors) -> Neighbours:
    if manifest.neighbours == "exact":
        return Exact(keys, vectors)
    return Graph(vectors.shape[1], storage.file(folder, manifest, "graph"))
