"""What a run learns from and is judged by: train and dev, read, and known by their contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from litebert.data.examples import Examples, read, sibling
from litebert.data.folds import folds, without
from litebert.data.shots import shots
from litebert.data.split import first_text, position, split_off
from litebert.errors import DataError
from litebert.tasks.task import Task
from litebert.training.drawing import WHOLE, Part

MOST_JUDGING = 1000
"""Examples that judge a few shots where no dev is given."""


FEW = 50
"""Dev examples below which one more or less that is right says more than two points."""


@dataclass(frozen=True, eq=False)
class Sets:
    """Labelled examples for training and for choosing the best weights."""

    train: Examples[Any, Any]
    dev: Examples[Any, Any]
    told: Mapping[str, str]
    """What each of the two is, in words."""
    notes: tuple[str, ...]
    """What a person should be told: columns that were guessed, what was split off."""
    held_out: Examples[Any, Any] | None = None
    """What neither sees, in cross-validation."""
    chooses: bool = True
    """Whether dev decides which weights are best; of a few shots it is larger than what is learnt from."""

    @property
    def fingerprint(self) -> dict[str, str]:
        """A hash of each one's contents, in their order."""
        return {"train": _hash(self.train), "dev": _hash(self.dev)}


def read_sets(
    train: str,
    dev: str | None,
    task: Task[Any, Any] | None,
    columns: Mapping[str, str],
    part: Part = WHOLE,
) -> Sets:
    """Both, the task fitted to train. Without `dev` it is the source's own, or a tenth split off by hash.

    task: may be None where `train` is a source, which has its own. Raises `DataError` or `UsageError`.
    """
    learned = read(train, task, fit=True, columns=columns)
    where = dev or sibling(train, "dev")
    judged = None
    if where is not None:
        judged = read(where, learned.task, columns=columns if dev else None, split=("dev", "test"))
    if part.fold is not None:
        return _fold(learned, train, judged, where, part.fold)
    if part.shots is not None:
        return _shots(learned, train, judged, where, part.shots, part.seed)
    if judged is None or where is None:
        return _warned(_split(learned, train))
    of, by = f"{train}: {len(learned)} examples", f"{where}: {len(judged)} examples"
    return _warned(_both(learned, of, judged, by))


def _warned(sets: Sets) -> Sets:
    """With a note where dev is so small that chance decides. (Of folds, all the data judge in the end.)"""
    if len(sets.dev) >= FEW:
        return sets
    note = (
        f"dev has {len(sets.dev)} examples, too few to tell a good model from a lucky one: "
        "--folds 5 judges one by all the data; or give a larger --dev"
    )
    return replace(sets, notes=(*sets.notes, note))


def _both(learned: Examples[Any, Any], of: str, judged: Examples[Any, Any], by: str) -> Sets:
    told = f"train: {of}; dev: {by}"
    return Sets(
        learned, judged, {"train": of, "dev": by}, tuple(dict.fromkeys((*learned.notes, *judged.notes, told)))
    )


def _fold(
    whole: Examples[Any, Any],
    name: str,
    dev: Examples[Any, Any] | None,
    where: str | None,
    fold: tuple[int, int],
) -> Sets:
    """dev, if none is given, is a tenth of what is not held out: no fold chooses its own weights."""
    number, count = fold
    parts = folds(whole, count)
    rest, held_out = without(parts, number - 1), parts[number - 1]
    told = f"{len(held_out)} of the {len(whole)} examples of {name}, fold {number} of {count}, held out"
    sets = (
        _split(rest, name) if dev is None else _both(rest, f"{name}: {len(rest)} examples", dev, str(where))
    )
    return replace(sets, held_out=held_out, notes=(*sets.notes, told))


def _shots(
    whole: Examples[Any, Any],
    name: str,
    dev: Examples[Any, Any] | None,
    where: str | None,
    count: int,
    seed: int,
) -> Sets:
    """dev, if none is given, is what is left, or some of it: it judges, but chooses nothing."""
    chosen, rest = shots(whole, count, seed)
    of = f"{name}: {len(chosen)} examples, {count} of each class, drawn by seed {seed}"
    if dev is not None:
        return replace(_both(chosen, of, dev, f"{where}: {len(dev)} examples"), chooses=False)
    if not len(rest):
        raise DataError(f"{name} has no more than {count} examples of each class; give a --dev file")
    judging = sorted(rest, key=lambda example: position(first_text(example)))[:MOST_JUDGING]
    told = f"{len(judging)} of the other {len(rest)}"
    return replace(_both(chosen, of, replace(rest, rows=judging), told), chooses=False)


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
