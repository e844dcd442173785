"""What an augmentation is: asked for by name and rate, made for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator

from litebert import names
from litebert.data.example import Example
from litebert.errors import UsageError
from litebert.model_source import Source
from litebert.tasks.rewording import Change, Reworded, Spans, reword
from litebert.tasks.task import Task
from litebert.tasks.words import Bounds
from litebert.training.augmentation.cutting import cut, cutter

Row = Example[Any, Any]
PACKAGE = "litebert.training.augmentation"


@dataclass(frozen=True)
class Setting:
    """`--augment NAME=RATE`, perhaps with more after a colon."""

    name: str
    rate: float
    """Of words, of segments or of texts: how many are changed, from 0 to 1."""
    more: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: str) -> Setting:
        """Raises `UsageError`, with the nearest name for one that is not known."""
        name, equals, value = given.partition("=")
        rate, *more = value.split(":")
        names.find(PACKAGE, name, "augmentation")
        try:
            number = float(rate)
        except ValueError:
            number = -1.0
        if not equals or not 0 < number <= 1:
            raise UsageError(
                f"--augment {given}: expected {name}=RATE, a rate above 0, and 1 at most, such as {name}=0.1"
            )
        return cls(name, number, tuple(more))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What an augmentation may look at."""

    rows: Sequence[Row]
    """The training examples, in their order."""
    task: Task[Any, Any]
    source: Source
    """The model that is trained, as it begins."""
    folder: Path | None = None
    """Where what takes long to work out may be kept."""

    def texts(self) -> Iterator[list[Asked]]:
        """Of each example those that would be changed. Raises `UsageError` for a task that has none."""
        for row in self.rows:
            asked: list[Asked] = []

            def listen(text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:
                asked.append(Asked(text, words, tuple(kept)))  # noqa: B023 (called in this turn)
                return reword(text, cut("") if words is None else words, {}, kept)

            self.task.reworded(row.given, row.wanted, listen)
            yield asked

    def must_be_whole(self, name: str) -> None:
        """Raises `UsageError` for a task that points at words of its texts."""
        if any(asked.words is not None or asked.kept for several in self.texts() for asked in several):
            raise UsageError(
                f"--augment {name} writes a text anew, so it is not for the task {self.task.name}, which "
                "points at words of it; deletion, swap, noise and replacement are"
            )


class Asked(NamedTuple):
    """A text that an augmentation is asked to change."""

    text: str
    words: Bounds | None
    kept: Spans


class Augmentation(Protocol):
    """Changes texts of the example of a number, in a way drawn from `draw`."""

    def __call__(self, number: int, draw: Generator) -> Change: ...


def made(setting: Setting, ground: Ground) -> Augmentation:
    """Raises `UsageError` for what the run cannot do."""
    next(ground.texts(), None)
    make: Callable[[Setting, Ground], Augmentation] = names.find(PACKAGE, setting.name, "augmentation").make
    return make(setting, ground)


def read(given: Iterable[str]) -> list[Setting]:
    """Those asked for. Raises `UsageError` for one that is asked for twice: which rate is meant?"""
    settings: dict[tuple[str, ...], Setting] = {}
    for setting in map(Setting.read, given):
        key = (setting.name.replace("_", "-"), *setting.more)
        if first := settings.get(key):
            raise UsageError(
                f"--augment names {key[0]} twice, with the rates {first.rate:g} and {setting.rate:g}; "
                "give one of them"
            )
        settings[key] = setting
    return list(settings.values())


def in_order(settings: Iterable[Setting]) -> list[Setting]:
    """Those first that look a text up, and so must meet it as it was; else as they were given."""
    return sorted(settings, key=lambda setting: setting.name.replace("_", "-") != "back-translation")


def decisive(settings: Sequence[Setting]) -> str:
    """What a run's result follows from besides names and rates: how words are cut, and other models."""
    modules = [(names.find(PACKAGE, setting.name, "augmentation"), setting) for setting in settings]
    told = [module.fingerprint(setting) for module, setting in modules if hasattr(module, "fingerprint")]
    return " ".join([f"words by {cutter()}", *told])


Choose = Callable[[Sequence[str], Sequence[int], Generator], Mapping[int, str]]
"""(all words, the numbers of those that may be changed, draw) → what takes the place of some, "" for none."""


def by_words(choose: Choose, draw: Generator) -> Change:
    """A change of single words: of letters, digits or Chinese characters, and none of what must stay."""

    def change(text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:
        bounds = cut(text) if words is None else words
        told = [text[start:end] for start, end in bounds]
        free = [i for i, word in enumerate(told) if any(map(str.isalnum, word)) and _apart(bounds[i], kept)]
        return reword(text, bounds, choose(told, free, draw), kept)

    return change


def whole(text: str, new: str) -> Reworded:
    """A change of all of a text (`Ground.must_be_whole`)."""
    all_of_it = np.array([[0, len(text)]] if text else [], np.int64).reshape(-1, 2)
    return reword(text, all_of_it, {0: new} if text else {})


def picked(free: Sequence[int], rate: float, draw: Generator) -> list[int]:
    """Each of them at that rate."""
    return [i for i, is_in in zip(free, draw.random(len(free)) < rate, strict=True) if is_in]


def _apart(bounds: Any, kept: Spans) -> bool:
    return all(bounds[1] <= start or end <= bounds[0] for start, end in kept)
