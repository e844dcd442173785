"""A shard of the plan → a part: a pure function, whoever works it out and however often.

A part is `00012.safetensors` and, written after it, `00012.json`, which holds its hash. Without the second,
or with one of another plan, the part is not done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import file_digest, sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from litebert.data.corpus import duplicates
from litebert.data.corpus.plan import Plan
from litebert.data.corpus.report import Report
from litebert.data.corpus.texts import Cleaner, Text
from litebert.data.corpus.words import WordStarts
from litebert.durable import replace, replace_json, telling
from litebert.errors import DataError
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

CHUNK = 1 << 19
"""About how many characters are made pieces at once."""

Arrays = dict[str, NDArray[Any]]


class Maker:
    """Makes parts of one plan; what all of them need is made ready once."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer) -> None:
        self.plan, self.tokenizer = plan, tokenizer
        self._starts = WordStarts(tokenizer, plan.settings.words or "pieces")
        self._clean = Cleaner(plan.files, plan.settings)
        self._small = np.uint16 if tokenizer.size <= 1 << 16 else np.uint32

    def make(self, folder: Path, number: int) -> None:
        """Write the part. Raises `DataError` for an input that cannot be read."""
        report = Report()
        lines: list[list[int]] = []
        with telling("read the input"):
            arrays = self._arrays(self._clean(self.plan.shards[number], report, lines))
        data = save(arrays)
        replace(part_path(folder, number), data)
        done = {
            "plan": self.plan.fingerprint,
            "sha256": sha256(data).hexdigest(),
            "lines": lines,
            "report": report.to_json(),
        }
        replace_json(done_path(folder, number), done)

    def _arrays(self, texts: Iterator[Text]) -> Arrays:
        chunks = [self._encoded(chunk) for chunk in _chunks(texts)]
        return {
            name: np.concatenate([each[name] for each in [self._encoded([]), *chunks]]) for name in ARRAYS
        }

    def _encoded(self, texts: list[Text]) -> Arrays:
        """The arrays of a few documents. A sentence of which no piece is left is none."""
        sentences = list(chain.from_iterable(text.sentences for text in texts))
        pieces = self.tokenizer.encode_many(sentences)
        lengths = np.array([len(each) for each in pieces], np.uint32)
        per_text = np.array([len(text.sentences) for text in texts], np.int64)
        of_text = np.repeat(np.arange(len(texts)), per_text)
        return {
            "pieces": _joined(pieces).astype(self._small),
            "words": self._starts(sentences, pieces) if pieces else np.zeros(0, bool),
            "sentences": lengths[lengths > 0],
            "documents": np.bincount(of_text[lengths > 0], minlength=len(texts)).astype(np.uint32),
            "digests": np.frombuffer(b"".join(text.digest for text in texts), np.uint64).reshape(-1, 2),
            "signatures": _signatures(texts, duplicates.HASHES if self.plan.settings.near_duplicates else 0),
            "places": np.array([text.place for text in texts], np.int64).reshape(-1, 3),
        }


ARRAYS = ("pieces", "words", "sentences", "documents", "digests", "signatures", "places")
"""pieces, words: [N], a word starts with which; sentences: how many pieces each has; documents: how many
sentences; digests: uint64 [D, 2]; signatures: uint32 [D, 128 or 0]; places: int64 [D, 3]."""


def part_path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.safetensors"


def done_path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.json"


def is_done(folder: Path, number: int, plan: Plan) -> bool:
    """Whether the part is there, made by this plan."""
    return part_path(folder, number).exists() and _done(folder, number).get("plan") == plan.fingerprint


def check(folder: Path, number: int) -> dict[str, Any]:
    """What a part's `.json` says. Raises `DataError` for a damaged part, which is then no longer done."""
    done = _done(folder, number)
    path = part_path(folder, number)
    with suppress(OSError, KeyError), path.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() == done["sha256"]:
            return done
    done_path(folder, number).unlink(missing_ok=True)
    raise DataError("is damaged, and will be made again: give the same command again", path=path)


def read(folder: Path, number: int, names: Sequence[str]) -> Arrays:
    """Some of the arrays of a part."""
    with safe_open(part_path(folder, number), "np") as file:
        return {name: file.get_tensor(name) for name in names}


def _done(folder: Path, number: int) -> dict[str, Any]:
    try:
        done: dict[str, Any] = json.loads(done_path(folder, number).read_bytes())
    except (OSError, ValueError):
        return {}
    return done


def _chunks(texts: Iterator[Text]) -> Iterator[list[Text]]:
    chunk: list[Text] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += sum(map(len, text.sentences))
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _joined(pieces: list[Pieces]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(0, np.int32), *(each.ids for each in pieces)])


def _signatures(texts: list[Text], width: int) -> NDArray[np.uint32]:
    signed = [text.signature for text in texts if text.signature is not None]
    return np.array(signed, np.uint32).reshape(len(texts), width)
