"""A trained model made smaller, in a folder like any run's, with what came of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from litebert import durable, names
from litebert.compression import WAYS, recipe
from litebert.compression.asked import Asked, check, occupied
from litebert.compression.figures import Compressed, Figures, speeds, weights_size
from litebert.compression.grounds import LOOKED_AT, Grounds, grounds_of, used_pieces
from litebert.compression.recovery import recovered
from litebert.compression.report import card
from litebert.compression.subject import Subject, subject_of
from litebert.data.example import Example
from litebert.embedded import model_folder
from litebert.engine.opening import open_model
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import UsageError
from litebert.evaluation.evaluate import evaluate
from litebert.exporting.agreement import changed
from litebert.model.checkpoints.compact import as_stored
from litebert.model.checkpoints.hub import resolve
from litebert.model.checkpoints.loading import Weights
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.model_source import EMBEDDED
from litebert.run import save
from litebert.training.interrupts import BEGINS_ANEW, StoppedError
from litebert.training.progress import Verdict

RESULT = "compression.json"
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

    Raises `UsageError` for what cannot be done to this model, or leads nowhere, and at once where another
    process compresses into `out`; `StoppedError` if training is asked to stop, with nothing written.
    """
    check(name, out, asked)
    with _claimed(out):
        return _compressed(name, out, asked, task, options, tell)


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Keeps the folder, empty as it is, from others. One that a killed process left is taken over."""
    fresh = not out.exists()
    with durable.telling(f"write {out}"):
        out.mkdir(parents=True, exist_ok=True)
    held = durable.lock(out)
    if held is None:
        raise UsageError(
            f"another process compresses into {out}; wait for it, stop it, or give another --out"
        )
    try:
        if any(out.iterdir()):  # Of one that ended between the look and the lock.
            raise UsageError(occupied(out))
        yield
    finally:
        with suppress(OSError):  # It is full, if all went well.
            if fresh:
                out.rmdir()
        os.close(held)


def _compressed(
    name: str, out: Path, asked: Asked, task: str | None, options: Sequence[str], tell: Callable[[str], None]
) -> Compressed:
    reference = open_model(name, task=task, options=options, precision="fp32", tell=tell)
    subject = subject_of(reference, name)
    grounds = grounds_of(reference, asked, tell)
    smaller, did = _smaller(subject, asked, grounds, tell)
    if isinstance(reference.runner, Eager) and reference.runner.model.exits is not None:
        did.append("early exits: left out; `litebert train` from this folder makes them anew")
        tell(did[-1])
    with durable.making(out) as folder:
        save(folder, smaller.model(), smaller.task, smaller.tokenizer, weights=asked.weights)
        found = _found(name, folder, (subject, smaller), did, grounds, task, options)
        durable.replace_json(folder / RESULT, found.to_json())
        durable.replace(folder / "README.md", card(found, out.name, smaller.task.name).encode())
    return found


def _smaller(
    subject: Subject, asked: Asked, grounds: Grounds, tell: Callable[[str], None]
) -> tuple[Subject, list[str]]:
    """All the ways that were asked for, in order; training before the last, which it would undo."""
    first = {way: asked.ways[way] for way in WAYS if way in asked.ways and way != "sparsity"}
    did: list[str] = []
    whole = subject
    if "vocabulary" in first:
        used = used_pieces(first.pop("vocabulary"), subject, asked)
        subject = _gone(subject, "vocabulary", used, grounds, did, tell)
    smaller = subject
    if asked.within is not None:
        smaller = _within(subject, whole, asked, grounds, did, tell)
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
    subject: Subject,
    whole: Subject,
    asked: Asked,
    grounds: Grounds,
    did: list[str],
    tell: Callable[[str], None],
) -> Subject:
    """By the recipe, whose steps some of dev judge; all of it judges the end, by what the whole model has
    there. Where training follows, first with more room, and if that was too much, without."""
    assert asked.within is not None
    some = grounds.dev[:: -(-len(grounds.dev) // LOOKED_AT)]
    least = value(whole, grounds.dev) - asked.within

    def judge(one: Subject) -> float:
        return value(_stored(one, asked.weights), some)

    def holds(one: Subject) -> bool:
        return value(_stored(one, asked.weights), grounds.dev) >= least

    now = judge(subject)
    for room in (ROOM, 1.0) if grounds.sets is not None else (1.0,):
        bound = now - asked.within * room
        tell(f"{subject.task.best} {now:.4f}; steps are taken down to {bound:.4f}")
        taken = recipe.smallest(subject, grounds.seen, now, bound, judge, tell)
        if grounds.sets is not None:
            done = _sentences(taken, subject)
            trained = _trained(taken[-1].subject if taken else subject, subject, asked, grounds, done)
            if holds(trained):
                return _told(did, done, tell, trained)
            tell(f"below the bound on all of {grounds.dev_name}: too much for training to bring back")
    while taken and not holds(taken[-1].subject):
        tell(f"below the bound on all of {grounds.dev_name}; undone: {taken.pop().way}")
    return _told(did, _sentences(taken, subject), tell, taken[-1].subject if taken else subject)


def _sentences(taken: Sequence[recipe.Taken], subject: Subject) -> list[str]:
    """What the steps of the recipe come to, a sentence for each way."""
    done: list[str] = []
    for way in recipe.WAYS:
        if steps := [step for step in taken if step.way == way]:
            how = " ".join(map(str, steps[-1].how)) if way != "embedding" else steps[-1].how
            done.append(SENTENCES[way].format(how=how, before=subject, after=taken[-1].subject))
    return done


def _told(did: list[str], done: Sequence[str], tell: Callable[[str], None], smaller: Subject) -> Subject:
    done = done or ["nothing could be taken out within the bound"]
    for one in done:
        tell(one)
    did += done
    return smaller


def _trained(subject: Subject, larger: Subject, asked: Asked, grounds: Grounds, did: list[str]) -> Subject:
    """After the training that follows."""
    assert grounds.sets is not None

    def judge(model: Any) -> Verdict:
        return Verdict(_judged(model, subject, grounds.dev[:: -(-len(grounds.dev) // LOOKED_AT)]))

    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        try:
            smaller = recovered(subject, larger, grounds.sets, asked.settings, Path(folder), judge)
        except StoppedError as stopped:
            raise StoppedError(stopped.number, f"while it trained; {BEGINS_ANEW}") from None
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
    before, after = map(_figures, both, folders, fast, measures)
    return Compressed(
        model=name,
        did=tuple(did),
        measure=f"{smaller.task.best}, {grounds.dev_name}",
        before=before,
        after=after,
        changed=changed(reference, smaller, list(grounds.texts)[:512]),
    )


def _figures(subject: Subject, place: Path, fast: Mapping[str, Any], measure: float | None) -> Figures:
    """Of one model in its folder. fast: how fast it answered."""
    return Figures(
        parameters=subject.parameters,
        bytes=weights_size(place),
        sequences_per_second=fast["sequences_per_second"],
        milliseconds=fast["latency_ms"]["p50"],
        peak_memory_mb=fast["peak_memory_mb"],
        measure=measure,
    )
