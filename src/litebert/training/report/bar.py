"""A progress bar with the time left, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from litebert.training.events import Event, Judging, Saving, Started, Watcher
from litebert.training.loop import Step
from litebert.training.report.forecast import Forecast, clock
from litebert.training.report.sentences import sentences

if TYPE_CHECKING:
    from rich.console import Console


def bar(console: Console | None = None) -> Watcher:
    """Draws on stderr, twice a second; what is worth a line is printed above."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        forecast = Forecast()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[now]}"),
        )
        screen = console or Console(stderr=True)
        with Progress(*columns, console=screen, refresh_per_second=2, transient=True) as drawn:
            task = drawn.add_task("Training", total=None, now="")
            for event in events:
                forecast.see(event)
                for line in sentences(event):
                    screen.print(line, markup=False, highlight=False)
                if isinstance(event, Started):  # The first update may take long: show what lies ahead.
                    drawn.update(task, now=_at(event.progress.step, forecast))
                elif isinstance(event, Step):
                    drawn.update(
                        task,
                        description=f"Epoch {event.epoch:.1f}",
                        total=forecast.plan.total,
                        completed=event.step,
                        now=_now(event, forecast),
                    )
                elif isinstance(event, Judging | Saving):
                    drawn.update(task, description="On dev" if isinstance(event, Judging) else "Saving")
                yield event

    return watch


def _at(step: int, forecast: Forecast) -> str:
    return f"{step}/{forecast.plan.total}"


def _now(step: Step, forecast: Forecast) -> str:
    pace = f"{forecast.speed:.0f} samples/s · {clock(forecast.left())} left"
    return f"{_at(step.step, forecast)} loss {step.loss:.3f} · {pace}"
