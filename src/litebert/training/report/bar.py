"""A progress bar with the time left, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
                drawn.update(task, **_shown(event, forecast))
                yield event

    return watch


def _shown(event: Event, forecast: Forecast) -> dict[str, Any]:
    """What an event changes of the bar."""
    match event:
        case Started():  # The first update may take long: show what lies ahead.
            return {"now": _at(event.progress.step, forecast)}
        case Step():
            done = {"total": forecast.plan.total, "completed": event.step}
            return {"description": f"Epoch {event.epoch:.1f}", "now": _now(event, forecast), **done}
        case Judging():
            return {"description": "On dev"}
        case Saving():
            return {"description": "Saving"}
        case _:
            return {}


def _at(step: int, forecast: Forecast) -> str:
    return f"{step}/{forecast.plan.total}"


def _now(step: Step, forecast: Forecast) -> str:
    pace = f"{forecast.speed:.0f} samples/s · {clock(forecast.left())} left"
    return f"{_at(step.step, forecast)} loss {step.loss:.3f} · {pace}"
