"""A stream cut into windows: what is sorted by length, run and held at once, however long the stream."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, TypeVar

T = TypeVar("T")

MOST = 4096
"""Things in a window."""
LETTERS = 1 << 22
"""Characters in a window, unless one thing alone has more."""
PATIENCE = 0.05
"""Seconds without anything new after which what there is is worked on."""
_AHEAD = 256
"""Things read ahead of a window."""
_PAUSE: Any = object()


def windows(stream: Iterable[T]) -> Iterator[list[T]]:
    """All things in order, as many at once as a window holds."""
    window: list[T] = []
    letters = 0
    for thing in stream:
        if thing is not _PAUSE:
            window.append(thing)
            letters += len(repr(thing))
        if window and (thing is _PAUSE or len(window) >= MOST or letters >= LETTERS):
            yield window
            window, letters = [], 0
    if window:
        yield window


def as_it_comes(stream: Iterable[T]) -> Iterator[list[T]]:
    """`windows` of a stream that may pause, as a pipe does: a pause ends a window, too.

    So whoever writes one line and waits for the answer does not wait forever. A thread reads ahead, a little;
    what the stream raises is raised here, in its place.
    """
    queue: Queue[T | _End] = Queue(_AHEAD)
    threading.Thread(target=_read, args=(stream, queue), daemon=True).start()
    return windows(_coming(queue))


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def _read(stream: Iterable[T], queue: Queue[T | _End]) -> None:
    try:
        for thing in stream:
            queue.put(thing)
    except BaseException as error:  # It is the other thread's to deal with.
        queue.put(_End(error))
    else:
        queue.put(_End())


def _coming(queue: Queue[T | _End]) -> Iterator[T]:
    """Everything to the end, and a pause wherever nothing has come in time."""
    while True:
        try:
            thing = queue.get(timeout=PATIENCE)
        except Empty:
            yield _PAUSE
            thing = queue.get()
        if isinstance(thing, _End):
            if thing.error:
                raise thing.error
            return
        yield thing
