"""A mixture before its first step: several tasks with their data, that are learnt on one encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any

from litebert.data.example import Examples
from litebert.data.examples import task_of
from litebert.data.mixing import evened_out
from litebert.errors import UsageError
from litebert.model.native.compiler import compiler
from litebert.model.several import Several
from litebert.model_source import Source, dtype_of
from litebert.tasks.naming import named, with_options
from litebert.text.encoding import OnLong
from litebert.training.drawing import Drawing
from litebert.training.entries import Entry, called, told_of
from litebert.training.fingerprint import Fingerprint, fingerprint
from litebert.training.from_corpus import FromCorpus, from_corpus, is_corpus, read_corpus
from litebert.training.prepared import Prepared, prepare
from litebert.training.presets import WRITING, Preset, preset, worth_compiling
from litebert.training.sets import Sets, read_sets
from litebert.training.settings import TrainSettings

_MANY = 10_000
"""Examples that the preset is chosen for where there are corpora alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """What `learn_together` does."""

    parts: Mapping[str, Prepared]
    """By the names of their heads. All have one source and one set of settings."""
    repeats: Mapping[str, int]
    """How often an epoch goes through each part's data."""
    kernels: bool
    """Whether compiled kernels serve."""

    @property
    def source(self) -> Source:
        return self._first.source

    @property
    def settings(self) -> TrainSettings:
        return self._first.settings

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say before it begins."""
        own = {name: part.own_notes for name, part in self.parts.items()}
        return (
            *self.source.notes,
            *(f"{name}: {note}" for name, notes in own.items() for note in notes),
            f"an epoch: {', '.join(self._shares())}",
            self._first.settings_note,
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """By what the run is known."""
        return fingerprint(
            self.settings,
            model=self.source.fingerprint,
            tokenizer=self.source.tokenizer.fingerprint,
            kernels=str(self.kernels),
            **{f"tasks.{name}": self._known_by(name) for name in self.parts},
        )

    def model(self) -> Several:
        """With the weights that the run begins with."""
        first = self._first.source.model(self._first.task, self.settings.seed)
        first.encoder.dtype = dtype_of(self.settings.precision)
        others = {
            name: part.source.model(part.task, self.settings.seed, encoder=first.encoder)
            for name, part in self.parts.items()
            if part is not self._first
        }
        return Several({next(iter(self.parts)): first, **others})

    @cached_property
    def _first(self) -> Prepared:
        return next(iter(self.parts.values()))

    def _shares(self) -> list[str]:
        """How many batches of an epoch each task has."""
        return [
            f"{name} {part.batches_once * self.repeats[name]} batches" + _often(self.repeats[name])
            for name, part in self.parts.items()
        ]

    def _known_by(self, name: str) -> dict[str, str]:
        return {**self.parts[name].known_by, "repeats": str(self.repeats[name])}


def prepare_mixture(
    source: Source,
    entries: Sequence[Entry],
    settings: TrainSettings,
    *,
    temperature: float = 1.0,
    drawing: Drawing = Drawing(),  # noqa: B008 (frozen)
    dropout: float | None = None,
    max_pieces: int | None = None,
    on_long: OnLong | None = None,
) -> Mixture:
    """Reads the data and decides what was left out: by the preset for as many examples as all have together.

    Raises `DataError` for the data, `UsageError` for an entry or what the model cannot do.
    """
    _check_family(source)
    named_entries = called(entries)
    sets = _all_read(named_entries, source)
    usual = _usual(source, [one.train for one in sets.values()])
    prepared = partial(
        prepare,
        source,
        settings=usual.fill(settings),
        drawing=drawing,
        dropout=usual.dropout if dropout is None else dropout,
        max_pieces=max_pieces,
        on_long=on_long,
    )
    parts = {}
    for name, entry in named_entries.items():
        with told_of(entry):
            part = prepared(sets=sets[name])
            parts[name] = from_corpus(part, entry, max_pieces) if is_corpus(entry.train) else part
    evened = evened_out([part.batches_once for part in parts.values()], temperature)
    return Mixture(
        parts=parts,
        repeats={
            name: named_entries[name].repeats or usually for name, usually in zip(parts, evened, strict=True)
        },
        kernels=_worth_compiling(list(parts.values())),
    )


def _check_family(source: Source) -> None:
    if source.config.family == "lstm":
        raise UsageError(
            f"{source.name} is an LSTM, and several tasks are learnt on ALBERT or BERT alone; "
            "train each task by itself, or choose another --model"
        )


def _usual(source: Source, trains: Sequence[Examples[Any, Any]]) -> Preset:
    """The preset for all the data together."""
    return preset(
        source.config,
        pretrained=source.checkpoint is not None,
        examples=sum(map(len, trains)) or _MANY,
        writes=any(train.task.runner == WRITING for train in trains),
    )


def _worth_compiling(parts: Sequence[Prepared]) -> bool:
    if any(isinstance(part, FromCorpus) for part in parts):
        return compiler() is not None  # As in pretraining, which is always long enough.
    examples = list(chain.from_iterable(part.sets.train.rows for part in parts))
    return worth_compiling(parts[0].source.config, parts[0].settings, examples)


def _all_read(entries: Mapping[str, Entry], source: Source) -> dict[str, Sets]:
    """The first is --train's own, unless it stands in a file."""
    sets: dict[str, Sets] = {}
    for name, entry in entries.items():
        with told_of(entry, flags=not sets and not entry.where):
            sets[name] = _read(entry, source)
    return sets


def _read(entry: Entry, source: Source) -> Sets:
    """An entry's data, with its task fitted to them."""
    if is_corpus(entry.train):
        return read_corpus(entry, source)
    own = task_of(entry.train)
    if entry.task is None and own is None:
        way = (
            'Add its task, such as task = "classification"'
            if entry.where
            else f"Write TASK={entry.train}, such as classification={entry.train}"
        )
        raise UsageError(f"what is {entry.train} for? {way}; only a source knows its own task")
    task = own if entry.task is None else named(entry.task)()
    if task is not None and entry.options:
        task = with_options(task, entry.options)
    given = None if entry.task is None and not entry.options else task
    return read_sets(entry.train, entry.dev, given, entry.columns)


def _often(times: int) -> str:
    return "" if times == 1 else f" (each example {times} times)"
