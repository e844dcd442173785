"""The command: `litebert.recipes.results` says what it does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Annotated

import tyro

from litebert import durable
from litebert.errors import LitebertError
from litebert.recipes.results.page import page
from litebert.recipes.results.rows import chosen
from litebert.recipes.results.work import Workshop
from litebert.training.interrupts import TRY_AGAIN, StoppedError


@dataclass(frozen=True, kw_only=True)
class Results:
    """Train and judge every row, and write the page. Given again, it goes on."""

    out: Annotated[Path, tyro.conf.Positional]
    """The folder of all runs."""
    only: tuple[str, ...] = ()
    """Rows by name: entities.conll2003, or conll2003."""
    model: str | None = None
    """What is trained; left out, the embedded model."""
    baselines: bool = False
    """Work out the baselines alone."""
    recurrent: bool = False
    """Train the LSTM of the same size on these rows, too."""
    minutes: float | None = None
    """End after so long, with everything saved."""
    page: Path | None = None
    """The page to write of all rows that are there; what it holds of rows that OUT has no run of stays."""

    def run(self) -> int:
        """0 when all is there, and what asks to be run again when time is up."""
        workshop = Workshop(out=self.out, model=self.model)
        try:
            with _ended_after(self.minutes):
                code = self._rows(workshop)
        except StoppedError as stopped:
            print(stopped.message, file=sys.stderr)
            code = TRY_AGAIN
        if self.page is not None:
            before = self.page.read_text("utf-8") if self.page.exists() else ""
            durable.replace(self.page, page(workshop, before).encode())
        return code

    def _rows(self, workshop: Workshop) -> int:
        end = monotonic() + 60 * (inf if self.minutes is None else self.minutes)
        for row in chosen(self.only):
            print(f"\n{row.source}", file=sys.stderr)
            workshop.baselines(row)
            for recurrent in () if self.baselines else (False, True)[: 1 + self.recurrent]:
                if monotonic() > end:
                    print("time is up; the same command goes on", file=sys.stderr)
                    return TRY_AGAIN
                workshop.train(row, recurrent=recurrent)
        return 0


@contextmanager
def _ended_after(minutes: float | None) -> Iterator[None]:
    """Asks training to stop when time is up."""
    if minutes is None:
        yield
        return
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    stop = threading.Event()

    def ask() -> None:
        wait = 60 * minutes
        while not stop.wait(wait):
            os.kill(os.getpid(), signal.SIGUSR1)
            wait = 5.0

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()  # Or its last signal may come when nobody listens, and end the process.
        signal.signal(signal.SIGUSR1, before)


if __name__ == "__main__":
    try:
        sys.exit(tyro.cli(Results).run())
    except LitebertError as error:
        sys.exit(f"litebert: {error.message}")
