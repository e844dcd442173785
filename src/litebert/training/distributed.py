"""The processes of one run, on one host or on many. `torchrun` starts them and says to each which it is.

What they send each other is sums of numbers, tensors and JSON: nothing that could run. Whatever goes wrong
between them ends as a `LostError` in each process that is left, after `wait` seconds at most: a process that
ends closes its connections, which is noticed at once; a host that is cut off is silent.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import torch
from torch import Tensor

from litebert.errors import LitebertError, UsageError
from litebert.training.interrupts import TRY_AGAIN

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

T = TypeVar("T")
WAIT = 300.0
"""Seconds that processes wait for each other: more than any needs to judge, save or compile."""
_LEFT = "left"
"""Under this key the store counts the processes that take leave."""
_LEAVING = 5.0
"""Seconds that a process waits at its end for others to reach theirs."""


class LostError(LitebertError):
    """Another process of the run is gone, or cannot be reached."""

    code = "lost"
    exit_code = TRY_AGAIN

    def __init__(self, size: int, wait: float, reason: str) -> None:
        super().__init__(
            f"another of the run's {size} processes has ended, or has not answered for {wait:g} s: its own "
            "last message, or its host, says why. The same command goes on from the last state that was "
            f"saved, and torchrun --max-restarts 3 gives it by itself ({reason})"
        )


@dataclass(frozen=True)
class World:
    """The processes of a run, as one of them sees them. Number 0 leads: it alone keeps the run's folder."""

    rank: int = 0
    size: int = 1
    wait: float = WAIT

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def sum(self, values: Tensor) -> None:
        """Puts the sum over all processes, the same bits in each, in place of a tensor."""
        if self.size > 1:
            with self._in_touch():
                torch.distributed.all_reduce(values)

    def send(self, tensors: Iterable[Tensor]) -> None:
        """Puts process 0's tensors in place of everyone's, which are of the same shapes."""
        if self.size > 1:
            with self._in_touch():
                for tensor in tensors:
                    torch.distributed.broadcast(tensor, src=0)

    def tell(self, value: T) -> T:
        """Process 0's value, of what JSON has, in every process."""
        if self.size == 1:
            return value
        told = json.dumps(value if self.leads else None).encode()
        length = torch.tensor(len(told))
        self.send([length])
        data = torch.frombuffer(bytearray(told.ljust(int(length))[: int(length)]), dtype=torch.uint8)
        self.send([data])
        heard: T = json.loads(data.numpy().tobytes())
        return heard

    def each(self, work: Callable[[], T]) -> T:
        """What `work` gives, once every process has done its own.

        Where it fails in some, the first of them raises its error, and the others end with the same exit
        code: one fault is told once.
        """
        if self.size == 1:
            return work()
        error, done = None, []
        try:
            done.append(work())
        except LitebertError as caught:
            error = caught
        codes = self._each_number(error.exit_code if error else 0)
        if not any(codes):
            return done[0]
        first = next(rank for rank, code in enumerate(codes) if code)
        if error is not None and self.rank == first:
            raise error
        raise SystemExit(codes[first])

    def end(self, error: LitebertError) -> NoReturn:
        """Raises, in all processes alike, an error that only process 0 tells."""
        raise error if self.leads else SystemExit(error.exit_code)

    def _each_number(self, number: int) -> list[int]:
        """Every process's, by rank."""
        numbers = torch.zeros(self.size, dtype=torch.int64)
        numbers[self.rank] = number
        self.sum(numbers)
        return numbers.tolist()

    @contextmanager
    def _in_touch(self) -> Iterator[None]:
        with touching(self.size, self.wait):
            yield


ALONE = World()


@contextmanager
def joined(wait: float = WAIT) -> Iterator[World]:
    """The processes that torchrun started with this one, or `ALONE`.

    wait: seconds to wait for another before giving up. Raises `UsageError` for an environment that makes no
    sense; `LostError` if the others do not come.
    """
    rank, size = place()
    if size == 1:
        yield ALONE
        return
    if not 0 < wait < float("inf"):
        raise UsageError(f"wait must be more than 0 seconds, but is {wait:g}")
    backend = _backend()
    # Not there in every build of torch.
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    with touching(size, wait), _ended_at_once_by_sigterm():
        shared, *_ = next(rendezvous("env://", timeout=timedelta(seconds=wait)))
        # torchrun may keep its store over restarts, and in it the addresses of processes that are gone.
        store = PrefixStore(f"restart {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", shared)
        torch.distributed.init_process_group(
            backend, store=store, rank=rank, world_size=size, timeout=timedelta(seconds=wait)
        )
    try:
        yield World(rank, size, wait)
    except LostError:
        raise
    except BaseException:
        _take_leave(store, size)
        raise
    else:
        _take_leave(store, size)
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def _ended_at_once_by_sigterm() -> Iterator[None]:
    """While processes wait for each other there is nothing to save, and no handler in Python would be run:
    the waiting is one call of C++. torchrun ends a process so when another one has not come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _take_leave(store: Store, size: int) -> None:
    """Waits, for a moment, until all have done with each other: a process that closes its connections while
    another is still reading what it sent looks lost to that one."""
    with suppress(RuntimeError):  # The store may have gone with its host.
        store.add(_LEFT, 1)
        until = monotonic() + _LEAVING
        while store.add(_LEFT, 0) < size and monotonic() < until:
            sleep(0.01)


def place() -> tuple[int, int]:
    """This process's number and how many there are, by torchrun's environment; (0, 1) without one.

    Raises `UsageError` for one that is not whole.
    """
    given: dict[str, Any] = {name: os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE")}
    if not any(given.values()):
        return 0, 1
    rank, size = (int(value) if value.isdecimal() else -1 for value in given.values())
    if not 0 <= rank < size:
        told = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise UsageError(f"{told} in the environment are no process's place; torchrun sets them both")
    return rank, size


def _backend() -> str:
    """For tensors wherever they are."""
    if not torch.distributed.is_available():
        raise UsageError("this build of torch cannot train in several processes: it lacks torch.distributed")
    if not torch.cuda.is_available():
        return "gloo"
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return "cpu:gloo,cuda:nccl"


@contextmanager
def touching(size: int, wait: float) -> Iterator[None]:
    """Turns what torch says of a lost connection into a `LostError`."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise LostError(size, wait, reason[0]) from error
