"""Making an index, and bringing it up to date: what has not changed is not read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from litebert.apps.search import storage
from litebert.apps.search.documents import Document, read_documents
from litebert.apps.search.index import Index, Ints, load
from litebert.apps.search.neighbours import Graph, Vectors
from litebert.apps.search.passages import Span, passages
from litebert.apps.search.storage import Manifest
from litebert.errors import UsageError
from litebert.text.bm25 import WordIndex
from litebert.training.lock import alone

How = Literal["exact", "approximate"]
NO_MODEL = "none"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What became of the documents."""

    added: int
    changed: int
    deleted: int
    kept: int
    passages: int


def make(
    source: str,
    folder: Path,
    *,
    model: str | None = None,
    pooling: str | None = None,
    neighbours: How | None = None,
    precision: str = "auto",
    overwrite: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Changes:
    """An index of the documents, or the folder's index brought up to date with them.

    model, pooling, neighbours: left out, as the index has them; a new one has the embedded model, the mean
    and exact neighbours. model `none` is an index of words alone. Raises `DataError`, `ModelError`,
    `UsageError` or `LitebertError` (code `disk`); the folder then holds what it held before.
    """
    documents = read_documents(source)
    with alone(folder, "indexing"):
        before = None if overwrite else storage.read_manifest(folder)
        old = None if before is None else load(folder, before)
        _check(folder, before, overwrite)
        name = model or (before.model or NO_MODEL if before else None)
        name = None if name == NO_MODEL else _located(name or "embedded")
        manifest = Manifest(
            generation=_generation(folder) + 1,
            source=source,
            model=name,
            fingerprint=None if name is None else _fingerprint(name),
            pooling=pooling or (before.pooling if before else "mean"),
            neighbours=neighbours or (before.neighbours if before else "exact"),
            documents=len(documents),
            passages=0,
        )
        reread = before is None or _way(before) != _way(manifest)
        return _written(folder, manifest, documents, old, reread=reread, precision=precision, tell=tell)


def _written(
    folder: Path,
    manifest: Manifest,
    documents: Sequence[Document],
    old: Index | None,
    *,
    reread: bool,
    precision: str,
    tell: Callable[[str], None] | None,
) -> Changes:
    """Puts the old index's passages of unchanged documents and those of the others together, and writes."""
    found = _compared(old, documents)
    kept = _kept(old, found.places)
    first = len(found.same)
    whole = [(first + place, span) for place, one in enumerate(found.fresh) for span in passages(one)]
    free = int(old.keys.max()) + 1 if old is not None and len(old.keys) else 0
    index = _joined([*found.same, *found.fresh], old, kept, whole, free)
    texts = [index.read(row) for row in range(len(kept), len(index.keys))]
    words = (old.words if old else WordIndex.of(())).with_rows(kept, texts)
    parts: dict[str, storage.Write] = {
        "documents.jsonl": _documents_to(index.documents),
        "passages.npz": _arrays_to(index, words),
        "vocabulary.json": lambda path: _put(path, json.dumps(words.vocabulary, ensure_ascii=False)),
    }
    if manifest.model is not None:
        parts |= _vector_parts(manifest, index, old, kept, reread=reread, precision=precision, tell=tell)
    storage.write(folder, _counted(manifest, index), parts)
    return Changes(
        added=len(found.fresh) - found.changed,
        changed=found.changed,
        deleted=found.deleted,
        kept=len(found.same),
        passages=len(index.keys),
    )


class _Compared(NamedTuple):
    """What documents are beside those of the index before."""

    same: list[Document]
    """Unchanged, in the old index's order."""
    places: dict[int, int]
    """Of each of these: its number in the old index → in the new one."""
    fresh: list[Document]
    """New or changed."""
    changed: int
    deleted: int


def _compared(old: Index | None, documents: Sequence[Document]) -> _Compared:
    known = {one.id: (number, one.fingerprint) for number, one in enumerate(old.documents if old else ())}
    is_same = {one.id for one in documents if known.get(one.id, (0, ""))[1] == one.fingerprint}
    same = [one for one in (old.documents if old else ()) if one.id in is_same]
    fresh = [one for one in documents if one.id not in is_same]
    return _Compared(
        same=same,
        places={known[one.id][0]: place for place, one in enumerate(same)},
        fresh=fresh,
        changed=sum(one.id in known for one in fresh),
        deleted=len(known.keys() - {one.id for one in documents}),
    )


def _vector_parts(
    manifest: Manifest,
    index: Index,
    old: Index | None,
    kept: Ints,
    *,
    reread: bool,
    precision: str,
    tell: Callable[[str], None] | None,
) -> dict[str, storage.Write]:
    """The vectors of all passages, new ones worked out; and the graph, if one is wanted."""
    from litebert.apps.search.reader import Reader  # An index of words alone needs no torch.

    read = Reader(manifest.model, manifest.pooling, precision=precision, tell=tell)
    before = None if reread or old is None else old.vectors
    start = 0 if before is None else len(kept)
    made = read(index.read(row) for row in range(start, len(index.keys)))
    vectors = made if before is None else np.concatenate([before[kept], made])
    parts: dict[str, storage.Write] = {"vectors.npy": lambda path: _save(path, vectors)}
    if manifest.neighbours == "approximate":
        graph = _graph(index, vectors, old if before is not None else None, kept)
        parts["graph.usearch"] = graph.save
    return parts


def _graph(index: Index, vectors: Vectors, old: Index | None, kept: Ints) -> Graph:
    """The old graph without what is gone and with what is new, or a new one."""
    if old is None or not isinstance(old.neighbours, Graph):
        graph = Graph(vectors.shape[1])
        graph.add(index.keys, vectors)
        return graph
    graph = old.neighbours
    graph.remove(np.delete(old.keys, kept))
    graph.add(index.keys[len(kept) :], vectors[len(kept) :])
    return graph


def _kept(old: Index | None, places: dict[int, int]) -> Ints:
    """The passages of the documents that stay, in their order."""
    if old is None:
        return np.zeros(0, np.int64)
    return np.array([row for row, owner in enumerate(old.owners.tolist()) if owner in places], np.int64)


def _joined(
    documents: Sequence[Document],
    old: Index | None,
    kept: Ints,
    new: Sequence[tuple[int, Span]],
    first: int,
) -> Index:
    """The passages' arrays; words and vectors follow."""
    numbers = {one.id: place for place, one in enumerate(documents)}
    owners = [numbers[old.documents[owner].id] for owner in old.owners[kept]] if old is not None else []
    spans = old.spans[kept].tolist() if old is not None else []
    keys = old.keys[kept] if old is not None else np.zeros(0, np.int64)
    return Index(
        documents,
        np.concatenate([keys, np.arange(first, first + len(new))]),
        np.array([*owners, *(owner for owner, _ in new)], np.int64),
        np.array([*spans, *((span.start, span.end) for _, span in new)], np.int64).reshape(-1, 2),
        WordIndex.of(()),
        None,
        None,
    )


def _documents_to(documents: Sequence[Document]) -> storage.Write:
    fields = ("id", "text", "heading", "faq")
    rows = [
        json.dumps({name: getattr(one, name) for name in fields}, ensure_ascii=False) for one in documents
    ]
    return lambda path: _put(path, "".join(f"{row.translate(_BREAKS)}\n" for row in rows))


def _arrays_to(index: Index, words: WordIndex) -> storage.Write:
    arrays = {
        "keys": index.keys,
        "owners": index.owners,
        "spans": index.spans,
        "starts": words.starts,
        "ids": words.ids,
        "counts": words.counts,
    }

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # its stub takes allow_pickle for one of them

    return write


def _save(path: Path, vectors: Vectors) -> None:
    with path.open("wb") as stream:
        np.save(stream, vectors, allow_pickle=False)


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _counted(manifest: Manifest, index: Index) -> Manifest:
    return replace(manifest, passages=len(index.keys))


def _way(manifest: Manifest) -> tuple[Any, ...]:
    """What vectors follow from, beside the texts."""
    return manifest.fingerprint, manifest.pooling


def _located(model: str) -> str:
    from litebert.apps.search import reader

    return reader.located(model)


def _fingerprint(model: str) -> str:
    from litebert.apps.search import reader

    return reader.fingerprint(model)


def _check(folder: Path, before: Manifest | None, overwrite: bool) -> None:
    """Raises `UsageError` for a folder that holds something else."""
    if before is None and not overwrite and any(not one.name.startswith(".") for one in folder.iterdir()):
        raise UsageError(f"{folder} holds other files, and no index; give a new or an empty folder as --out")


def _generation(folder: Path) -> int:
    """The last that was written, or begun."""
    numbers = [one.name.split(".")[1] for one in folder.glob("*.*") if one.name.count(".")]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


_BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E)}
"""What `splitlines` takes for line ends, and JSON does not."""
