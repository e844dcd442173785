"""What is done when someone asks training to stop.

SIGTERM, SIGUSR1 (Slurm's warning) or Ctrl-C: the step is finished, the state saved, and the process ends
with a code that says that it can go on. Ctrl-C again: the process ends at once; a checkpoint half
written is no harm.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from litebert.errors import LitebertError

TRY_AGAIN = 75
"""The exit code after SIGTERM or SIGUSR1: `EX_TEMPFAIL`, the same command goes on."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
BEGINS_ANEW = "nothing is written yet, and the same command begins anew"
"""What is said where no state is kept."""
T = TypeVar("T")
_SHOW_CURSOR = "\x1b[?25h"


class StoppedError(LitebertError):
    """Training was asked to stop.

    number: of the signal. told: what a person should know of what has been done so far.
    """

    code = "interrupted"

    def __init__(self, number: int, told: str) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name} {told}")
        self.number = number
        self.exit_code = INTERRUPTED if number == signal.SIGINT else TRY_AGAIN


class _BreakOff(BaseException):
    """Ends work that `Asked.unless` does; nothing else may catch it."""


class Asked:
    """Whether training was asked to stop."""

    def __init__(self) -> None:
        self.by = 0
        """The signal that asked; 0 while none has."""
        self._breakable = False

    def note(self, number: int) -> None:
        """Takes in a signal."""
        if number == signal.SIGINT and not self.by:
            # Not `print`: the signal may have come in the middle of one.
            os.write(2, b"\nSaving the state; press Ctrl-C again to stop at once without.\n")
        self.by = self.by or number
        if self._breakable:
            self._breakable = False
            raise _BreakOff

    def unless(self, work: Callable[[], T]) -> T | None:
        """What `work` gives, or None if a signal comes first. It may end anywhere, so must change nothing."""
        try:
            self._breakable = True
            result = work()
            self._breakable = False
        except _BreakOff:
            return None
        finally:
            self._breakable = False
        return result


@contextmanager
def listening() -> Iterator[Asked]:
    """Notes the signals that come while the block runs. Does nothing outside the main thread."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {number: signal.signal(number, lambda number, _frame: asked.note(number)) for number in numbers}
    try:
        with _stopping_at_the_second():
            yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stopping_at_the_second() -> Iterator[None]:
    """Ends the process at the second SIGINT, from a thread of its own.

    Python runs signal handlers between two of its own instructions, and the backward pass of a large
    model is one instruction of many seconds. The wake-up socket is written at once.
    """
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(woken,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        wakes.close()


def _watch(woken: socket.socket) -> None:
    interrupts = 0
    with woken:
        while came := woken.recv(64):
            interrupts += came.count(signal.SIGINT)
            if interrupts >= 2:
                if sys.stderr.isatty():
                    os.write(2, _SHOW_CURSOR.encode())
                os._exit(INTERRUPTED)
