"""SIGTERM while there is no state to save: before the first step of training, and after the last."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TRY_AGAIN = 75
"""The exit code that says that the same command goes on (`EX_TEMPFAIL`)."""


@contextmanager
def going_on_later() -> Iterator[None]:
    """Within, SIGTERM and SIGUSR1 end the process with `TRY_AGAIN`; training itself deals with them as long
    as it lasts (`training/interrupts.py`). Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    print(f"stopped by {name}; nothing is lost, and the same command goes on", file=sys.stderr, flush=True)
    raise SystemExit(TRY_AGAIN)
