"""Events in words."""

from __future__ import annotations

from litebert.training.events import Event, Finished, Judged, NotSaved, Restarted, Started
from litebert.training.progress import Progress
from litebert.training.report.forecast import clock

_WHY = {
    "steps": "all steps are made",
    "patience": "dev has stopped getting better",
    "minutes": "the time is up",
}


def sentences(event: Event) -> list[str]:
    """What is worth a line of its own, whatever the style."""
    match event:
        case Started():
            return [*event.complaints, *_start(event)]
        case Judged():
            return [_judged(event)]
        case NotSaved():
            return [f"Not saved: {event.message}. Training goes on, and will try again."]
        case Restarted():
            return [
                f"Training has collapsed: the loss is stuck at {event.loss:.3f}, where chance is "
                f"{event.chance:.3f}, and all answers on dev are the same. "
                f"Starting again from the first weights with a learning rate of {event.learning_rate:.2g}."
            ]
        case Finished():
            return [_finished(event.progress)]
        case _:
            return []


def _start(event: Started) -> list[str]:
    progress = event.progress
    if progress.finished:
        return ["This run is finished; its best weights are used."]
    if progress.step or progress.attempt:
        return [f"Going on from update {progress.step} of {event.plan.total}."]
    return []


def _judged(event: Judged) -> str:
    measures = ", ".join(f"{name} {value:.4f}" for name, value in event.judgement.measures.items())
    best = f", {'as good as ' * event.equal}the best so far" if event.best else ""
    return f"Update {event.judgement.step}: loss {event.judgement.loss:.4f}, on dev {measures}{best}."


def _finished(progress: Progress) -> str:
    why = _WHY[progress.finished]
    skipped = f" {progress.skipped} updates were skipped: not finite." if progress.skipped else ""
    best = f" Best on dev at update {progress.best.step}." if progress.best else ""
    return f"Finished after update {progress.step}, {clock(progress.seconds)}: {why}.{best}{skipped}"
