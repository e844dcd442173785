"""A trained model made smaller, in a folder like any run's, with what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from litebert import durable, names
from litebert.compression import WAYS, recipe
from litebert.compression.figures import Compressed, Figures, speeds, weights_size
from litebert.compression.moments import Seen
from litebert.compression.recovery import recovered
from litebert.compression.report import card
from litebert.compression.subject import Subject, subject_of
from litebert.data.example import Example
from litebert.data.examples import read, sibling, task_of
from litebert.data.inputs import read_inputs
from litebert.data.split import split_off
from litebert.embedded import model_folder
from litebert.engine.exported import is_exported
from litebert.engine.opening import open_model
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import InputError, UsageError
from litebert.evaluation.evaluate import evaluate
from litebert.exporting.agreement import changed
from litebert.exporting.sample import inputs
from litebert.model.checkpoints.compact import as_stored
from litebert.model.checkpoints.hub import resolve
from litebert.model.checkpoints.loading import Weights
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.run import EMBEDDED, save
from litebert.tasks.task import Task
from litebert.training.progress import Verdict
from litebert.training.sets import Sets
from litebert.training.settings import TrainSettings

RESULT = "compression.json"
LOOKED_AT = 2000
"""Texts that decide what goes, and labelled examples that a step of the recipe is judged by."""
ROOM = 3.0
"""How far below the bound, in its own distance, the recipe may go where training follows."""
SENTENCES = {
    "vocabulary": "vocabulary: {before.config.vocabulary:,} pieces to {after.config.vocabulary:,}",
    "heads": "attention heads: {how} left in each block",
    "units": "feed-forward units: {how} left in each block",
    "embedding": "word table: {before.config.embedding} numbers a piece to {after.config.embedding}",
    "rank": "rank: {how}, of each matrix that it makes smaller",
    "sparsity": "sparsity: {how:.0%} of the weights of the blocks' matrices are zero",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done, and by what it is decided and judged."""

    ways: Mapping[str, Any] = field(default_factory=dict)
    """How far, by the way's name."""
    within: float | None = None
    """As small as possible, with so much of the measure lost at the most."""
    data: str | None = None
    train: str | None = None
    sample: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)
    """Of the training that follows, where there is `train`."""
    weights: Weights = "fp32"


@dataclass(frozen=True, eq=False)
class Grounds:
    """The texts that decide what goes, and the labelled examples that judge."""

    seen: Seen
    texts: Sequence[Any]
    """Inputs, for speed and for how many answers change."""
    sets: Sets | None
    dev: Sequence[Example[Any, Any]]
    dev_name: str


def compress(
    name: str,
    out: Path,
    asked: Asked,
    *,
    task: str | None = None,
    options: Sequence[str] = (),
    tell: Callable[[str], None] = print,
) -> Compressed:
    """Writes the folder `out`, whole or not at all, and returns what came of it.

    Raises `UsageError` for what cannot be done to this model, or leads nowhere.
    """
    _check(name, out, asked)
    reference = open_model(name, task=task, options=options, precision="fp32", tell=tell)
    subject = subject_of(reference, name)
    grounds = _grounds(reference, asked, tell)
    smaller, did = _smaller(subject, asked, grounds, tell)
    if isinstance(reference.runner, Eager) and reference.runner.model.exits is not None:
        did.append("early exits: left out; `litebert train` from this folder makes them anew")
    with durable.making(out) as folder:
        save(folder, smaller.model(), smaller.task, smaller.tokenizer, weights=asked.weights)
        found = _found(name, folder, (subject, smaller), did, grounds, task, options)
        durable.replace_json(folder / RESULT, found.to_json())
        durable.replace(folder / "README.md", card(found, out.name, smaller.task.name).encode())
    return found


def _check(name: str, out: Path, asked: Asked) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a new folder")
    if is_exported(name):
        raise UsageError(f"{name} is exported already; compress the model that it was made of")
    if asked.within is None and not asked.ways and asked.weights == "fp32":
        raise UsageError(
            "nothing is asked for: say how far, with --heads, --units, --embedding, --rank, --sparsity, "
            "--vocabulary or --weights, or give --data and --within 0.01 for as small as possible"
        )
    if asked.within is None:
        return
    if not 0 <= asked.within < 1:
        raise UsageError(f"within is a part of the measure, from 0 to below 1, but is {asked.within}")
    if asked.data is None and asked.train is None:
        raise UsageError("--within is judged by labelled data: name them with --data")
    if doubled := [way for way in recipe.WAYS if way in asked.ways]:
        raise UsageError(f"--within chooses {', '.join(doubled)} itself; leave --{doubled[0]} out")


def _smaller(
    subject: Subject, asked: Asked, grounds: Grounds, tell: Callable[[str], None]
) -> tuple[Subject, list[str]]:
    """All the ways that were asked for, in order; training before the last, which it would undo."""
    first = {way: asked.ways[way] for way in WAYS if way in asked.ways and way != "sparsity"}
    did: list[str] = []
    if "vocabulary" in first:
        used = _used(first.pop("vocabulary"), subject, asked)
        subject = _gone(subject, "vocabulary", used, grounds, did, tell)
    smaller = subject
    if asked.within is not None:
        smaller = _within(subject, asked, grounds, did, tell)
    for way, how in first.items():
        smaller = _gone(smaller, way, how, grounds, did, tell)
    if grounds.sets is not None and asked.within is None:
        smaller = _trained(smaller, subject, asked, grounds, did)
    if "sparsity" in asked.ways:
        smaller = _gone(smaller, "sparsity", asked.ways["sparsity"], grounds, did, tell)
    if asked.weights != "fp32":
        did.append("weights: int8 with a scale for each row" + ", packed" * (asked.weights == "packed"))
    return smaller, did


def _gone(
    subject: Subject, way: str, how: Any, grounds: Grounds, did: list[str], tell: Callable[[str], None]
) -> Subject:
    """By one way."""
    smaller: Subject = names.find("litebert.compression", way, "way").apply(subject, how, grounds.seen)
    shown = " ".join(map(str, how)) if isinstance(how, tuple) else how
    did.append(SENTENCES[way].format(how=shown, before=subject, after=smaller))
    tell(did[-1])
    return smaller


def _within(
    subject: Subject, asked: Asked, grounds: Grounds, did: list[str], tell: Callable[[str], None]
) -> Subject:
    """By the recipe. Where training follows, first with more room, and if that was too much, without."""
    assert asked.within is not None
    some = grounds.dev[:: -(-len(grounds.dev) // LOOKED_AT)]

    def judge(one: Subject) -> float:
        return value(_stored(one, asked.weights), some)

    now = value(subject, some)
    for room in (ROOM, 1.0) if grounds.sets is not None else (1.0,):
        bound = now - asked.within * room
        tell(f"{subject.task.best} {now:.4f}; steps are taken down to {bound:.4f}")
        taken = recipe.smallest(subject, grounds.seen, now, bound, judge, tell)
        done: list[str] = []
        smaller = taken[-1].subject if taken else subject
        for way in recipe.WAYS:
            if steps := [step for step in taken if step.way == way]:
                how = " ".join(map(str, steps[-1].how)) if way != "embedding" else steps[-1].how
                done.append(SENTENCES[way].format(how=how, before=subject, after=smaller))
        if grounds.sets is not None:
            smaller = _trained(smaller, subject, asked, grounds, done)
        if room == 1.0 or judge(smaller) >= now - asked.within:
            did += done or ["nothing could be taken out within the bound"]
            return smaller
        tell("too much was taken out for training to bring back; once more, with less room")
    raise AssertionError("the last room is 1")


def _trained(subject: Subject, larger: Subject, asked: Asked, grounds: Grounds, did: list[str]) -> Subject:
    """After the training that follows."""
    assert grounds.sets is not None

    def judge(model: Any) -> Verdict:
        return Verdict(_judged(model, subject, grounds.dev[:: -(-len(grounds.dev) // LOOKED_AT)]))

    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        smaller = recovered(subject, larger, grounds.sets, asked.settings, Path(folder), judge)
    did.append(f"trained on, with the scores of the larger model: {grounds.sets.told['train']}")
    return smaller


def value(subject: Subject, dev: Sequence[Example[Any, Any]]) -> float:
    """The chief measure of its task."""
    return _judged(subject.model(), subject, dev)[subject.task.best]


def _judged(model: Model, subject: Subject, dev: Sequence[Example[Any, Any]]) -> Mapping[str, float]:
    predictor: Predictor[Any, Any] = Predictor(Eager(model, fastest_dtype()), subject.task, subject.tokenizer)
    return evaluate(predictor, dev, intervals=False).metrics


def _stored(subject: Subject, weights: Weights) -> Subject:
    """As it will be when it is opened again."""
    if weights == "fp32":
        return subject
    return replace(subject, encoder={name: as_stored(tensor) for name, tensor in subject.encoder.items()})


def _grounds(reference: Predictor[Any, Any], asked: Asked, tell: Callable[[str], None]) -> Grounds:
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


def _used(where: str, subject: Subject, asked: Asked) -> set[int]:
    """The pieces of some data's texts."""
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


def _found(
    name: str,
    folder: Path,
    both: tuple[Subject, Subject],
    did: Sequence[str],
    grounds: Grounds,
    task: str | None,
    options: Sequence[str],
) -> Compressed:
    """Both models opened as anyone opens them, and measured."""
    reference, smaller = (open_model(one, task=task, options=options) for one in (name, str(folder)))
    measures = [
        evaluate(one, grounds.dev, intervals=False).metrics[one.task.best] if grounds.dev else None
        for one in (reference, smaller)
    ]
    folders = (model_folder() if name == EMBEDDED else resolve(name), folder)
    fast = speeds([name, str(folder)], grounds.texts, task=task, options=options)
    figures = [
        Figures(
            parameters=subject.parameters,
            bytes=weights_size(place),
            sequences_per_second=one["sequences_per_second"],
            milliseconds=one["latency_ms"]["p50"],
            peak_memory_mb=one["peak_memory_mb"],
            measure=measure,
        )
        for subject, place, one, measure in zip(both, folders, fast, measures, strict=True)
    ]
    return Compressed(
        model=name,
        did=tuple(did),
        measure=f"{smaller.task.best}, {grounds.dev_name}",
        before=figures[0],
        after=figures[1],
        changed=changed(reference, smaller, list(grounds.texts)[:512]),
    )
