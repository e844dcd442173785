"""What a run learns from and is judged by: train and dev, read, and known by their contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from litebert.data.examples import Examples, read, sibling
from litebert.data.split import split_off
from litebert.tasks.task import Task


@dataclass(frozen=True, eq=False)
class Sets:
    """Labelled examples for training and for choosing the best weights."""

    train: Examples[Any, Any]
    dev: Examples[Any, Any]
    told: Mapping[str, str]
    """What each of the two is, in words."""
    notes: tuple[str, ...]
    """What a person should be told: columns that were guessed, what was split off."""

    @property
    def fingerprint(self) -> dict[str, str]:
        """A hash of each one's contents, in their order."""
        return {"train": _hash(self.train), "dev": _hash(self.dev)}


def read_sets(train: str, dev: str | None, task: Task[Any, Any] | None, columns: Mapping[str, str]) -> Sets:
    """Both, the task fitted to train. Without `dev` it is the source's own, or a tenth split off by hash.

    task: may be None where `train` is a source, which has its own. Raises `DataError` or `UsageError`.
    """
    learned = read(train, task, fit=True, columns=columns)
    where = dev or sibling(train, "dev")
    if where is None:
        return _split(learned, train)
    judged = read(where, learned.task, columns=columns if dev else None, split=("dev", "test"))
    return Sets(
        learned,
        judged,
        {"train": f"{train}: {len(learned)} examples", "dev": f"{where}: {len(judged)} examples"},
        (*learned.notes, *judged.notes, f"train: {len(learned)} examples; dev: {len(judged)}, {where}"),
    )


def _split(whole: Examples[Any, Any], name: str) -> Sets:
    rest, dev = split_off(whole)
    told = f"{len(dev)} of the {len(whole)} examples of {name}, split off by hash"
    return Sets(
        rest,
        dev,
        {"train": f"{name}: the other {len(rest)} examples", "dev": told},
        (*whole.notes, f"dev: {told}; train: the other {len(rest)}"),
    )


def _hash(examples: Examples[Any, Any]) -> str:
    digest = sha256()
    for example in examples:
        digest.update(repr((example.given, example.wanted)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
