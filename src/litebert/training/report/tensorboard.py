"""TensorBoard events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from litebert import durable
from litebert.training.events import Event, Judged, Restarted, Saving, Started, Watcher
from litebert.training.loop import Step

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

_POINTS = 2000
"""Longer runs write every so many steps that a curve has about this many."""


Measure = Callable[[Step], float]
"""Of an update."""


def tensorboard(folder: Path, **more: Measure) -> Watcher:
    """Writes curves of each attempt to `folder/attempt-<n>`; where a run goes on, they go on.

    more: further curves of updates, by name.
    """

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        writer, stride = None, 1
        with _told_once():
            try:
                for event in events:
                    with durable.telling(f"write {folder}"):
                        if isinstance(event, Started) and not event.progress.finished:
                            stride = -(-event.plan.total // _POINTS)
                            writer = _writer(folder, event.progress.attempt, event.progress.step)
                        elif isinstance(event, Restarted) and writer:
                            writer.close()
                            writer = _writer(folder, event.attempt, 0)
                        elif writer:
                            _write(writer, event, stride, more)
                    yield event
            finally:
                if writer:
                    with durable.telling(f"write {folder}"):
                        writer.close()

    return watch


@contextmanager
def _told_once() -> Iterator[None]:
    """What the system says to TensorBoard's own thread, such as that the disk is full, is raised here at the
    next event; that its trace is printed as well would hide that."""
    usual = threading.excepthook

    def told(failed: threading.ExceptHookArgs) -> None:
        ours = type(failed.thread).__module__.startswith("tensorboard.")
        if not (ours and isinstance(failed.exc_value, OSError)):
            usual(failed)

    threading.excepthook = told
    try:
        yield
    finally:
        threading.excepthook = usual


def _writer(folder: Path, attempt: int, step: int) -> SummaryWriter:
    from torch.utils.tensorboard.writer import SummaryWriter

    # Points after the checkpoint that the run goes on from will be written again.
    return SummaryWriter(str(folder / f"attempt-{attempt}"), purge_step=step + 1 if step else None)


def _write(writer: SummaryWriter, event: Event, stride: int, more: Mapping[str, Measure]) -> None:
    match event:
        case Step() if event.step % stride == 0:
            curves = {"loss": event.loss, **event.parts, "gradient_norm": event.gradient_norm}
            curves |= {"learning_rate": event.learning_rate}
            curves |= {"samples_per_second": event.samples / event.seconds}
            curves |= {"pieces_per_second": event.pieces / event.seconds}
            curves |= {name: measure(event) for name, measure in more.items()}
            _scalars(writer, "train", curves, event.step)
        case Judged():
            _scalars(writer, "dev", event.judgement.measures, event.judgement.step)
        case Saving():
            writer.flush()
        case _:
            pass


def _scalars(writer: SummaryWriter, group: str, values: dict[str, float], step: int) -> None:
    for name, value in values.items():
        writer.add_scalar(f"{group}/{name}", value, step)
