"""Answers on their way into a file, kept as far as they have come.

They gather in a hidden folder beside the file, with how far they reach; the file appears at the end, whole.
At the end of a window the answers are put on the disk, and then their count and length. Whoever was killed
begins at the last such end: what was written after it is cut off, and nothing is lost or there twice.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from litebert import durable
from litebert.errors import DataError, ModelError, UsageError
from litebert.strict_json import loads

_ANSWERS, _STATE = "answers.jsonl", "state.json"


@dataclass
class Progress:
    """How far the answers have come: rows answered, those of them without an answer, inputs cut, bytes."""

    rows: int
    failed: int
    truncated: int
    bytes: int


class Answers:
    """A file of answers that is being written."""

    def __init__(self, folder: Path, made_of: Mapping[str, Any], progress: Progress, file: BinaryIO) -> None:
        self._folder, self._made_of, self._file = folder, made_of, file
        self.progress = progress
        """As of the last `keep`, but for `rows` and `failed`, which every `write` moves on."""

    def write(self, row: Any, *, failed: bool) -> None:
        self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        self.progress.rows += 1
        self.progress.failed += failed

    def keep(self, truncated: int) -> None:
        """All that was written so far is there for good."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.progress.bytes, self.progress.truncated = self._file.tell(), truncated
        state = {"made of": dict(self._made_of), **asdict(self.progress)}
        durable.replace_json(self._folder / _STATE, state)


@contextmanager
def resumable(target: Path, made_of: Mapping[str, Any]) -> Iterator[Answers]:
    """Answers that become the file `target` at the end, begun or gone on with.

    made_of: all that they depend on; of others than these nothing is taken. Raises `LitebertError` (code
    `disk`), and `UsageError` where there is no such folder or another process writes this file.
    """
    place = Path(os.path.realpath(target))
    if not place.parent.is_dir():
        raise UsageError(f"cannot write {target}: there is no folder {target.parent}")
    folder = place.with_name(f".{place.name}.part")
    with durable.telling(f"write {target}"):
        folder.mkdir(exist_ok=True)
        lock = durable.lock(folder)
        if lock is None:
            raise UsageError(f"another process is writing {target}; wait for it, or name another file")
        try:
            yield from _written(place, folder, made_of)
        finally:
            os.close(lock)


def _written(place: Path, folder: Path, made_of: Mapping[str, Any]) -> Iterator[Answers]:
    progress = _begun(folder, made_of)
    try:
        with (folder / _ANSWERS).open("r+b" if progress.bytes else "wb") as file:
            file.truncate(progress.bytes)
            file.seek(progress.bytes)
            answers = Answers(folder, made_of, progress, file)
            yield answers
            answers.keep(answers.progress.truncated)
    except (DataError, UsageError, ModelError):  # It would end here again.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / _ANSWERS).replace(place)
    durable.sync(place.parent)
    shutil.rmtree(folder, ignore_errors=True)


def _begun(folder: Path, made_of: Mapping[str, Any]) -> Progress:
    """How far an earlier process came with the same; nowhere, if there was none."""
    try:
        state = loads((folder / _STATE).read_text(encoding="utf-8"))
        same = state.pop("made of") == json.loads(json.dumps(dict(made_of)))
        progress = Progress(**state)
        whole = (folder / _ANSWERS).stat().st_size >= progress.bytes
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same = False
    return progress if same and whole else Progress(0, 0, 0, 0)
