"""The parts, in the order of the input and without duplicates → the files of a corpus.

The same parts give the same bytes, so it does no harm if two processes merge at once. `corpus.json` is
written last: with it the corpus is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from litebert.data.corpus import duplicates, parts
from litebert.data.corpus.parts import Arrays
from litebert.data.corpus.places import Places
from litebert.data.corpus.plan import Plan
from litebert.data.corpus.report import Report
from litebert.durable import replace_json, replacing
from litebert.errors import DataError
from litebert.text.tokenizer import Tokenizer

MANIFEST = "corpus.json"
VERSION = 1

Bools = NDArray[np.bool_]


def merge(work: Path, out: Path, plan: Plan, tokenizer: Tokenizer) -> Report:
    """Raises `DataError` for a damaged part, or if no document is left."""
    report = Report(passed_over=list(plan.passed_over))
    keep = _choose(work, plan, report)
    if not any(map(np.any, keep)):
        raise DataError("no document is left of the input: " + "; ".join(report.lines()))
    report.kept = sum(int(kept.sum()) for kept in keep)
    with ExitStack() as open_files:
        files = {name: _Part(open_files.enter_context(_new(out / f"{name}.bin"))) for name in _NAMES}
        counts = _write(files, (_filtered(parts.read(work, n, _NAMES), keep[n]) for n in range(len(keep))))
    manifest = {
        "version": VERSION,
        **plan.to_json(),
        "plan": plan.fingerprint,
        "counts": counts,
        "types": {name: file.dtype for name, file in files.items()},
        "sha256": {f"{name}.bin": file.hash.hexdigest() for name, file in files.items()},
        "vocabulary": {"size": tokenizer.size, "kind": tokenizer.kind, "specials": _specials(tokenizer)},
        "report": report.to_json(),
    }
    replace_json(out / MANIFEST, manifest)
    return report


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    with replacing(path) as fresh, fresh.open("wb") as file:
        yield file


@dataclass
class _Part:
    """One of the corpus's files while it is written."""

    file: BinaryIO
    dtype: str = ""
    count: int = 0

    def __post_init__(self) -> None:
        self.hash = sha256()

    def write(self, array: NDArray[Any]) -> None:
        self.dtype, self.count = array.dtype.name, self.count + len(array)
        data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).data
        self.hash.update(data)
        self.file.write(data)


_NAMES = ("pieces", "words", "sentences", "documents")
_COLUMNS = ("digests", "signatures", "places", "documents")


def _write(files: dict[str, _Part], kept: Iterator[Arrays]) -> dict[str, int]:
    """Lengths become ends, counted from the start of the corpus; flags become bits."""
    left = np.zeros(0, bool)
    ends = {"sentences": 0, "documents": 0}
    for arrays in kept:
        files["pieces"].write(arrays["pieces"])
        flags = np.concatenate([left, arrays["words"]])
        full = len(flags) // 8 * 8
        files["words"].write(np.packbits(flags[:full], bitorder="little"))
        left = flags[full:]
        for name, end in ends.items():
            lengths = arrays[name].astype(np.uint64)
            files[name].write(np.cumsum(lengths, dtype=np.uint64) + np.uint64(end))
            ends[name] += int(lengths.sum())
    files["words"].write(np.packbits(left, bitorder="little"))
    return {name: files[name].count for name in ("pieces", "sentences", "documents")}


def _filtered(arrays: Arrays, keep: Bools) -> Arrays:
    """Only the documents to keep, with their sentences and pieces."""
    if keep.all():
        return arrays
    sentences = np.repeat(keep, arrays["documents"])
    pieces = np.repeat(sentences, arrays["sentences"])
    masks = {"documents": keep, "sentences": sentences, "pieces": pieces, "words": pieces}
    return {name: arrays[name][mask] for name, mask in masks.items()}


def _choose(work: Path, plan: Plan, report: Report) -> list[Bools]:
    """Which documents of each part to keep. The report learns of those that are not."""
    done = [parts.check(work, number) for number in range(len(plan.shards))]
    place = Places(plan.files, [lines for each in done for lines in each["lines"]])
    for each in done:
        report.add(Report.from_json(each["report"]), place.of)
    read = [parts.read(work, number, _COLUMNS) for number in range(len(done))]
    digests, signatures, places, sentences = (
        np.concatenate([arrays[name] for arrays in read]) for name in _COLUMNS
    )
    named = [":".join(map(str, row)) for row in places.tolist()]
    keep = sentences > 0
    for number in np.flatnonzero(~keep).tolist():
        report.drop("empty", place.of(named[number]))
    first = duplicates.exact(digests)
    for number in np.flatnonzero(keep & (first != np.arange(len(first)))).tolist():
        keep[number] = False
        report.drop(
            "same as an earlier one", f"{place.of(named[number])} as {place.of(named[first[number]])}"
        )
    if plan.settings.near_duplicates:
        near = duplicates.near(signatures, np.flatnonzero(keep), plan.settings.near_duplicates)
        keep[list(near)] = False
        for number, other in near.items():
            report.drop("nearly an earlier one", f"{place.of(named[number])} like {place.of(named[other])}")
    return np.split(keep, np.cumsum([len(arrays["documents"]) for arrays in read])[:-1])


def _specials(tokenizer: Tokenizer) -> dict[str, int]:
    return {name: getattr(tokenizer, name) for name in ("cls", "sep", "pad", "mask", "unknown")}
