"""SIGTERM and Ctrl-C while there is no state to save: before the first step of training, and after the last;
and where what is kept is kept as it comes, or only at the end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from litebert.training.interrupts import TRY_AGAIN

_SOON = 0.05
"""Seconds until a stop that was lost is asked for again."""


class _Stop(SystemExit):
    """SIGTERM or SIGUSR1, as an exception."""

    def __init__(self, number: int) -> None:
        super().__init__(TRY_AGAIN)
        self.number = number


@contextmanager
def going_on_later(told: str = "nothing is lost, and the same command goes on") -> Iterator[None]:
    """Within, SIGTERM and SIGUSR1 end the process with `TRY_AGAIN`, and Ctrl-C does not end it unsaid;
    training itself deals with them as long as it lasts (`training/interrupts.py`). Does nothing outside the
    main thread.

    told: what a person should know of what has been done so far.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGUSR1)}
    usual, sys.unraisablehook = sys.unraisablehook, _heard
    try:
        yield
    except (_Stop, KeyboardInterrupt) as stop:
        name = signal.Signals(stop.number).name if isinstance(stop, _Stop) else "Ctrl-C"
        print(f"stopped by {name}; {told}", file=sys.stderr, flush=True)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = usual


def _end(number: int, _frame: FrameType | None) -> None:
    raise _Stop(number)


def _heard(lost: sys.UnraisableHookArgs) -> None:
    """Where the signal comes while Python cleans up after an object, what is raised is only printed, and the
    process would go on as if nobody had asked. So it is asked again."""
    if isinstance(lost.exc_value, _Stop):
        again = threading.Timer(_SOON, os.kill, (os.getpid(), lost.exc_value.number))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(lost)
