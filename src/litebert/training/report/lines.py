"""Plain lines for logs, and JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from time import monotonic
from typing import TextIO

from litebert.training.events import Event, Finished, NotSaved, Started, Watcher
from litebert.training.loop import Step
from litebert.training.report.forecast import Forecast, clock
from litebert.training.report.metrics import finite, row
from litebert.training.report.sentences import sentences


def plain_lines(every: float = 10.0, stream: TextIO | None = None) -> Watcher:
    """What happens as lines on stderr, steps at most every so many seconds."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        forecast, due = Forecast(), Pace(every)
        for event in events:
            forecast.see(event)
            for line in sentences(event):
                _print(line, stream)
            if isinstance(event, Step) and due():
                _print(_step(event, forecast), stream)
            yield event

    return watch


def json_lines(every: float = 1.0, stream: TextIO | None = None) -> Watcher:
    """Events as JSON objects on stderr: the rows of `metrics.jsonl` with `seconds_left` beside them."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        forecast, due = Forecast(), Pace(every)
        for event in events:
            forecast.see(event)
            shown = _object(event)
            if shown and (not isinstance(event, Step) or due()):
                _print(json.dumps(finite({**shown, "seconds_left": forecast.left()})), stream)
            yield event

    return watch


class Pace:
    """True at most once in so many seconds."""

    def __init__(self, every: float) -> None:
        self._every, self._last = every, monotonic()

    def __call__(self) -> bool:
        now = monotonic()
        due = now - self._last >= self._every
        self._last = now if due else self._last
        return due


def _step(step: Step, forecast: Forecast) -> str:
    return (
        f"Update {step.step} of {forecast.plan.total} (epoch {step.epoch:.2f}): loss {step.loss:.4f}, "
        f"{forecast.speed:.0f} samples/s, {clock(forecast.left())} left."
    )


def _object(event: Event) -> dict[str, object] | None:
    match event:
        case Started():
            started = {"step": event.progress.step, "total": event.plan.total}
            return {"kind": "start", **started, "complaints": list(event.complaints)}
        case NotSaved():
            return {"kind": "not_saved", "message": event.message}
        case Finished():
            return {"kind": "finish", "step": event.progress.step, "reason": event.progress.finished}
        case _:
            return row(event)


def _print(line: str, stream: TextIO | None) -> None:
    print(line, file=stream or sys.stderr, flush=True)
