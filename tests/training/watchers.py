"""Consumers of a run's events, for tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from litebert.training.events import Event, Watcher
from litebert.training.loop import Step


def keeping(events: list[Event]) -> Watcher:
    """Puts every event into a list."""

    def watch(inner: Iterator[Event]) -> Iterator[Event]:
        for event in inner:
            events.append(event)
            yield event

    return watch


def asked_after(step: int) -> Watcher:
    """Asks the run to stop after an update, as `kill` would."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Step) and event.step == step:
                signal.raise_signal(signal.SIGTERM)
            yield event

    return watch
