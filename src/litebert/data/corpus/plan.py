"""The shard plan: the input cut into slices by its sizes alone, the same for every worker on every host.

A plain file is cut at fixed bytes. A slice holds the documents that begin in it, so that each document
belongs to one slice, and reading a slice needs no other (the rule of MapReduce's input splits). A `.gz`
cannot be entered in its middle, nor a file that is one document: those are one slice each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import litebert
from litebert.data.corpus import sources
from litebert.data.corpus.settings import Settings
from litebert.data.corpus.sources import Source
from litebert.errors import UsageError
from litebert.text.tokenizer import Tokenizer

UNPACKED = 4
"""About how many times its size a `.gz` of text becomes."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The documents of a file that begin at the bytes `begin` to `end` (exclusive)."""

    file: int
    begin: int
    end: int


@dataclass(frozen=True)
class Plan:
    """All that decides the bytes of a corpus."""

    settings: Settings
    tokenizer: str
    """The tokenizer's fingerprint."""
    files: tuple[Source, ...]
    passed_over: tuple[str, ...]
    shards: tuple[tuple[Slice, ...], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "settings": self.settings.to_json(),
            "tokenizer": self.tokenizer,
            "versions": {"litebert": litebert.__version__, **self.settings.libraries()},
            "files": [source.to_json() for source in self.files],
            "shards": len(self.shards),
        }

    @cached_property
    def fingerprint(self) -> str:
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


def make(inputs: Sequence[str | Path], tokenizer: Tokenizer, settings: Settings) -> Plan:
    """Find the files and cut them. Raises `DataError` for one that cannot be read, `UsageError` for none."""
    files, passed_over = find(inputs, settings)
    return Plan(
        settings=settings,
        tokenizer=tokenizer.fingerprint,
        files=files,
        passed_over=passed_over,
        shards=tuple(cut(files, settings.shard_bytes)),
    )


def find(inputs: Sequence[str | Path], settings: Settings) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """The files, and the names of those passed over. Raises as `make` does."""
    if not inputs:
        raise UsageError("name the files and folders of text to read, such as wiki/ books.jsonl.gz")
    paths, names, passed_over = sources.find(inputs)
    if not paths:
        given = ", ".join(map(str, inputs))
        raise UsageError(
            f"no text files in {given}; a folder's are named *{', *'.join(sources.SUFFIXES[1:])}[.gz]"
        )
    found = zip(paths, names, strict=True)
    return tuple(sources.look(path, name, settings.documents) for path, name in found), tuple(passed_over)


def cut(files: Sequence[Source], size: int) -> Iterator[tuple[Slice, ...]]:
    """Slices in the order of the input, as many to a shard as come to its size."""
    shard: list[Slice] = []
    weight = 0
    for part in (part for number in range(len(files)) for part in _cut(files[number], number, size)):
        shard.append(part)
        weight += (part.end - part.begin) * (UNPACKED if files[part.file].packed else 1)
        if weight >= size:
            yield tuple(shard)
            shard, weight = [], 0
    if shard:
        yield tuple(shard)


def _cut(source: Source, number: int, size: int) -> Iterator[Slice]:
    step = max(source.size, 1) if source.packed or source.form == "file" else size
    for begin in range(0, max(source.size, 1), step):
        yield Slice(number, begin, min(begin + step, source.size))
