"""By what compression decides and is judged: texts, and labelled examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from litebert.compression.asked import Asked
from litebert.compression.moments import Seen
from litebert.compression.subject import Subject
from litebert.data.example import Example
from litebert.data.examples import read, sibling, task_of
from litebert.data.inputs import read_inputs
from litebert.data.split import split_off
from litebert.engine.predictor import Predictor
from litebert.errors import InputError, UsageError
from litebert.exporting.sample import inputs
from litebert.tasks.task import Task
from litebert.training.sets import Sets

LOOKED_AT = 2000
"""Texts that decide what goes, and labelled examples that a step of the recipe is judged by."""


@dataclass(frozen=True, eq=False)
class Grounds:
    """The texts that decide what goes, and the labelled examples that judge."""

    seen: Seen
    texts: Sequence[Any]
    """Inputs, for speed and for how many answers change."""
    sets: Sets | None
    dev: Sequence[Example[Any, Any]]
    dev_name: str


def grounds_of(reference: Predictor[Any, Any], asked: Asked, tell: Callable[[str], None]) -> Grounds:
    """By the data that were named; else by example reviews, and nothing judges. Raises `DataError`."""
    task = reference.task
    sets, dev, dev_name = _sets(task, asked, tell)
    texts, whose = _texts(task, asked, sets, dev)
    tell(f"what goes is decided by {whose}")
    return Grounds(Seen(texts), texts, sets, dev, dev_name)


def _sets(
    task: Task[Any, Any], asked: Asked, tell: Callable[[str], None]
) -> tuple[Sets | None, Sequence[Example[Any, Any]], str]:
    """What is trained on, if anything, and what judges, with its name."""
    where = asked.data or (sibling(asked.train, "dev") if asked.train else None)
    dev = read(where, task, columns=asked.columns, split=("dev", "test")) if where else None
    train = read(asked.train, task, columns=asked.columns) if asked.train else None
    for one in (train, dev):
        for note in one.notes if one else ():
            tell(note)
    if train is None:
        return None, dev.rows if dev else (), where or ""
    if dev is None:
        train, dev = split_off(train)
        where = f"a part of {asked.train}, split off by hash"
    told = {"train": f"{asked.train}: {len(train)} examples", "dev": f"{where}: {len(dev)} examples"}
    return Sets(train, dev, told, ()), dev.rows, where or ""


def _texts(
    task: Task[Any, Any], asked: Asked, sets: Sets | None, dev: Sequence[Example[Any, Any]]
) -> tuple[list[Any], str]:
    """The Inputs that decide, and whose they are."""
    if asked.sample is not None:
        found = [one for one in read_inputs(asked.sample, task) if not isinstance(one, InputError)]
        if not found:
            raise UsageError(f"{asked.sample} has no Input of the task {task.name}")
        return found[:LOOKED_AT], f"the texts of {asked.sample}"
    if sets is not None:
        return [one.given for one in islice(sets.train, LOOKED_AT)], "texts that are trained on"
    if dev:
        return [one.given for one in dev[:LOOKED_AT]], "the texts of --data, without their labels"
    return inputs(task, None), "example reviews; texts like yours, --sample, would decide better"


def used_pieces(where: str, subject: Subject, asked: Asked) -> set[int]:
    """The ids of the pieces of some data's texts. Raises `UsageError` where there are none."""
    if task_of(where) is not None:
        given: Iterator[Any] = (one.given for one in read(where, subject.task, columns=asked.columns))
    else:
        given = (one for one in read_inputs(where, subject.task) if not isinstance(one, InputError))
    used: set[int] = set()
    while chunk := list(islice(given, 4096)):
        for many in subject.task.encode_many(chunk, subject.tokenizer):
            if not isinstance(many, InputError):
                used.update(*(encoding.ids.tolist() for encoding in many))
    if not used:
        raise UsageError(f"{where} has no text to take a vocabulary from")
    return used
