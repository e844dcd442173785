"""Signals within this process; `test_killed_runs.py` sends them to others."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from litebert.errors import UsageError
from litebert.training.fit import saved_in
from litebert.training.interrupts import Asked, StoppedError, listening
from litebert.training.lock import alone


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)]
    with listening() as asked:
        assert signal.getsignal(signal.SIGTERM) != before[0]
        signal.raise_signal(signal.SIGTERM)
        assert asked.by == signal.SIGTERM
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_the_first_signal_counts() -> None:
    with listening() as asked:
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGTERM)
        assert asked.by == signal.SIGUSR1


def test_work_is_broken_off_once() -> None:
    with listening() as asked:
        began = time.monotonic()
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert asked.unless(lambda: time.sleep(10)) is None
        assert time.monotonic() - began < 5
        timer.join()
        signal.raise_signal(signal.SIGTERM)  # Outside of `unless` nothing is broken off.
        assert asked.unless(lambda: 7) == 7


def test_errors_of_the_work_come_through() -> None:
    def fail() -> None:
        raise KeyError("x")

    asked = Asked()
    with pytest.raises(KeyError):
        asked.unless(fail)
    asked.note(signal.SIGTERM)


def test_in_another_thread_nothing_is_touched() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with listening() as asked:
            seen.append((asked.by, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(0, before)]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)]
)
def test_each_signal_has_its_exit_code(number: signal.Signals, code: int) -> None:
    error = StoppedError(number, saved_in(Path("runs/x"), 12))
    assert error.exit_code == code
    assert error.message.startswith(f"stopped by {number.name} after update 12; the state is saved in runs/x")


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with alone(folder):
        with pytest.raises(UsageError, match=f"process {os.getpid()}") as caught, alone(folder):
            pass
        assert "--out" in caught.value.message
    with alone(folder):
        pass


def test_what_another_wrote_in_the_lock_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_bytes(b"\xff" * 100)
    with alone(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
