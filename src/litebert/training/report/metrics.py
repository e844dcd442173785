"""`metrics.jsonl`: a line for each step and each judgement.

It is the same to the byte however often a run stopped, so it holds no clock times; those are shown,
and stand in the TensorBoard events.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from litebert import durable
from litebert.training.events import Event, Judged, Restarted, Saving, Started, Watcher
from litebert.training.loop import Step
from litebert.training.progress import Progress


def metrics_log(path: Path) -> Watcher:
    """Appends to the log. When a run goes on, what was logged after its checkpoint is cut off first."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        with durable.telling(f"write {path}"):
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            for event in events:
                with durable.telling(f"write {path}"):
                    _log(file, path, event)
                yield event
        finally:
            os.close(file)

    return watch


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a log, up to the first that is not whole."""
    for row, _end in _whole_rows(path):
        yield row


def row(event: Event) -> dict[str, Any] | None:
    """What is logged of an event; None for nothing."""
    match event:
        case Step():
            return {
                "kind": "step",
                "attempt": event.attempt,
                "step": event.step,
                "epoch": event.epoch,
                "loss": event.loss,
                **event.parts,
                "learning_rate": event.learning_rate,
                "gradient_norm": event.gradient_norm,
                "samples": event.samples,
                "pieces": event.pieces,
                "skipped": event.skipped,
            }
        case Judged():
            judgement = event.judgement
            return {
                "kind": "dev",
                "attempt": event.attempt,
                "step": judgement.step,
                "best": event.best,
                "train_loss": judgement.loss,
                **judgement.measures,
            }
        case Restarted():
            return {
                "kind": "restart",
                "attempt": event.attempt,
                "step": 0,
                "learning_rate": event.learning_rate,
                "train_loss": event.loss,
            }
        case _:
            return None


def _log(file: int, path: Path, event: Event) -> None:
    if isinstance(event, Started):
        os.ftruncate(file, _end_of(path, event.progress))
        os.lseek(file, 0, os.SEEK_END)
        durable.sync(path.parent)
    elif isinstance(event, Saving):
        os.fsync(file)
    elif (logged := row(event)) is not None:
        durable.write_all(file, json.dumps(finite(logged)).encode() + b"\n")


def finite(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: null instead."""
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in row.items()}


def _end_of(path: Path, progress: Progress) -> int:
    """How many bytes of a log belong to what a run has done so far."""
    end = 0
    for row, after in _whole_rows(path):
        if not _done(row, progress):
            break
        end = after
    return end


def _done(row: dict[str, Any], progress: Progress) -> bool:
    if row["attempt"] != progress.attempt:
        return bool(row["attempt"] < progress.attempt)
    judged = progress.history[-1].step if progress.history else 0
    return bool(row["step"] <= (judged if row["kind"] == "dev" else progress.step))


def _whole_rows(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    end = 0
    with path.open("rb") as file:
        for line in file:
            end += len(line)
            try:
                row = json.loads(line)
            except ValueError:
                return
            if (
                not line.endswith(b"\n")
                or not isinstance(row, dict)
                or not {"attempt", "step", "kind"} <= set(row)
            ):
                return
            yield row, end
