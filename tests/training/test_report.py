"""What a person sees: log, lines, JSON, bar, TensorBoard, curves, and how long it will take."""

from __future__ import annotations

import gc
import io
import json
import random
import resource
import threading
from collections.abc import Iterator
from math import nan
from pathlib import Path

import pytest
from matplotlib.image import imread
from rich.console import Console
from toy_run import Toy, job

from litebert.errors import LitebertError
from litebert.training.events import Event, Finished, Judged, NotSaved, Plan, Restarted, Saved, Started
from litebert.training.fit import fit
from litebert.training.loop import Step
from litebert.training.progress import Judgement, Progress
from litebert.training.report.bar import bar
from litebert.training.report.curves import draw_curves
from litebert.training.report.forecast import Forecast, clock
from litebert.training.report.lines import json_lines, plain_lines
from litebert.training.report.metrics import metrics_log, rows
from litebert.training.report.style import shown
from litebert.training.report.tensorboard import tensorboard


def _step(step: int, *, attempt: int = 0, loss: float = 0.5, seconds: float = 0.1, samples: int = 8) -> Step:
    return Step(
        step=step,
        attempt=attempt,
        epoch=step / 10,
        loss=loss,
        parts={"masked": loss / 2},
        learning_rate=0.01,
        gradient_norm=1.5,
        samples=samples,
        pieces=80,
        skipped=False,
        seconds=seconds,
    )


def _judged(
    step: int, *, attempt: int = 0, score: float = 0.75, equal: bool = False, seconds: float = 1.0
) -> Judged:
    judgement = Judgement(step=step, score=score, measures={"accuracy": score}, constant=False, loss=0.4)
    return Judged(attempt=attempt, judgement=judgement, best=True, equal=equal, seconds=seconds)


def _started(progress: Progress | None = None, **plan: float | None) -> Started:
    chosen = {"total": 100, "interval": 10, "dev_samples": 50, "minutes": None, **plan}
    return Started(progress=progress or Progress(), plan=Plan(**chosen))  # type: ignore[arg-type]


# metrics.jsonl


def _log(path: Path, *events: Event) -> list[dict[str, object]]:
    passed = list(metrics_log(path)(iter(events)))
    assert passed == list(events)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_holds_steps_and_judgements_without_clock_times(tmp_path: Path) -> None:
    _log(tmp_path / "log", _started(), _step(1), _judged(1))
    assert (tmp_path / "log").read_text().splitlines() == [
        '{"kind": "step", "attempt": 0, "step": 1, "epoch": 0.1, "loss": 0.5, "masked": 0.25, '
        '"learning_rate": 0.01, "gradient_norm": 1.5, "samples": 8, "pieces": 80, "skipped": false}',
        '{"kind": "dev", "attempt": 0, "step": 1, "best": true, "train_loss": 0.4, "accuracy": 0.75}',
    ]


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    (row,) = _log(tmp_path / "log", _started(), _step(1, loss=nan))
    assert row["loss"] is None


def test_going_on_cuts_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log"
    _log(path, _started(), _step(1), _step(2), _judged(2), _step(3), _step(4), _judged(4))
    for step, judged, left in ((4, True, 6), (4, False, 5), (3, True, 4), (2, False, 2), (0, False, 0)):
        copy = tmp_path / f"{step}{judged}"
        copy.write_bytes(path.read_bytes())
        history = [_judged(n).judgement for n in (2, 4) if n < step or (n == step and judged)]
        progress = Progress(step=step, history=tuple(history))
        assert len(_log(copy, _started(progress))) == left, (step, judged)
        assert path.read_bytes().startswith(copy.read_bytes())


def test_going_on_keeps_earlier_attempts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    again = Restarted(attempt=1, learning_rate=0.5, loss=0.7, chance=0.69)
    events = (_started(), _step(1), _step(2), _judged(2), again, _step(1, attempt=1), _step(2, attempt=1))
    whole = _log(path, *events)
    kept = _log(path, _started(Progress(attempt=1, step=1)))
    assert kept == whole[:5]
    assert kept[3]["kind"] == "restart"


@pytest.mark.parametrize("torn", [b'{"kind": "step", "att', b'{"kind": "step"}\n', b"\xff\n", b"[]\n"])
def test_a_torn_end_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "log"
    _log(path, _started(), _step(1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert len(list(rows(path))) == 1
    _log(path, _started(Progress(step=1)))
    assert path.read_bytes() == whole


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(LitebertError, match=r"cannot write .*log: Is a directory"):
        list(metrics_log(tmp_path / "log")(iter([_started()])))


# Lines, JSON, bar


EVENTS: tuple[Event, ...] = (
    Started(
        progress=Progress(step=2), plan=Plan(100, 10, 50, None), complaints=("state-00000003 is damaged",)
    ),
    _step(3),
    _step(4),
    _judged(4),
    _judged(5, equal=True),
    Saved(step=4, generation=1, seconds=0.1),
    NotSaved("cannot save the state: No space left on device"),
    Restarted(attempt=1, learning_rate=0.005, loss=0.6931, chance=0.6931),
    Finished(
        Progress(step=100, finished="patience", seconds=125, skipped=2, history=(_judged(40).judgement,))
    ),
)


def test_plain_lines_say_what_happens() -> None:
    stream = io.StringIO()
    assert tuple(plain_lines(0.0, stream)(iter(EVENTS))) == EVENTS
    assert stream.getvalue().splitlines() == [
        "state-00000003 is damaged",
        "Going on from update 2 of 100.",
        "Update 3 of 100 (epoch 0.30): loss 0.5000, 0 samples/s, ? left.",
        "Update 4 of 100 (epoch 0.40): loss 0.5000, 80 samples/s, 12 s left.",
        "Update 4: loss 0.4000, on dev accuracy 0.7500, the best so far.",
        "Update 5: loss 0.4000, on dev accuracy 0.7500, as good as the best so far.",
        "Not saved: cannot save the state: No space left on device. Training goes on, and will try again.",
        "Training has collapsed: the loss is stuck at 0.693, where chance is 0.693, and all answers on dev "
        "are the same. Starting again from the first weights with a learning rate of 0.005.",
        "Finished after update 100, 2:05 min: dev has stopped getting better. Best on dev at update 40. "
        "2 updates were skipped: not finite.",
    ]


def test_plain_lines_are_seldom() -> None:
    stream = io.StringIO()
    list(plain_lines(3600.0, stream)(iter([_started(), *(_step(n) for n in range(1, 50))])))
    assert stream.getvalue() == ""


def test_json_lines_say_the_same_for_programs() -> None:
    stream = io.StringIO()
    assert tuple(json_lines(0.0, stream)(iter(EVENTS))) == EVENTS
    shown = [json.loads(line) for line in stream.getvalue().splitlines()]
    kinds = ["start", "step", "step", "dev", "dev", "not_saved", "restart", "finish"]
    assert [row["kind"] for row in shown] == kinds
    assert shown[0]["complaints"] == ["state-00000003 is damaged"]
    assert shown[2]["seconds_left"] == pytest.approx(96 * 0.1 + 10 * (50 * 0.1 / 8 / 3))
    assert shown[-1]["reason"] == "patience"


def test_the_bar_shows_progress_and_lines() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    assert tuple(bar(console)(iter(EVENTS))) == EVENTS
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Going on from update 2 of 100." in drawn
    assert "4/100" in drawn
    assert "loss 0.500" in drawn


def test_the_bar_says_what_lies_ahead_before_the_first_update() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    list(bar(console)(iter([_started()])))
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0/100" in drawn
    assert "None" not in drawn


def test_the_bar_leaves_the_terminal_as_it_was_after_an_error() -> None:
    def failing() -> Iterator[Event]:
        yield from EVENTS[:3]
        raise LitebertError("stop")

    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with pytest.raises(LitebertError):
        list(bar(console)(failing()))
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l"), "the cursor is back"


def test_each_style_has_its_watcher() -> None:
    assert shown("silent") == []
    assert len(shown("auto")) == len(shown("lines")) == len(shown("json")) == len(shown("bar")) == 1


def test_a_damaged_markup_is_shown_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=200)
    list(bar(console)(iter([NotSaved("[/nope] [red]")])))
    assert "[/nope] [red]" in console.file.getvalue()  # type: ignore[attr-defined]


# The forecast


def _events(chance: random.Random, *, dev: float, interval: int, drift: float = 0.0) -> Iterator[Event]:
    """2000 steps of uneven length, judged in between."""
    yield _started(total=2000, interval=interval, dev_samples=1000)
    for step in range(1, 2001):
        slow = 20 if step == 1 else 1 + drift * step / 2000
        yield _step(step, seconds=slow * chance.choice([0.05, 0.1, 0.3]), samples=32)
        if step % interval == 0 or step == 2000:
            yield _judged(step, seconds=dev)


@pytest.mark.parametrize("dev", [0.5, 1.5, 4.0])
@pytest.mark.parametrize("interval", [100, 300, 2000])
def test_after_30_seconds_the_forecast_is_within_a_fifth(dev: float, interval: int) -> None:
    """What judging costs is not known before the first time: the guess has 1,000 samples to go by."""
    good = 0
    for run in range(20):
        events = list(_events(random.Random(run), dev=dev, interval=interval))
        times = [event.seconds if isinstance(event, Step | Judged) else 0.0 for event in events]
        forecast, spent = Forecast(), 0.0
        for event, seconds in zip(events, times, strict=True):
            forecast.see(event)
            spent += seconds
            if spent >= 30:
                break
        left = forecast.left()
        assert left is not None
        good += abs(left - (sum(times) - spent)) <= 0.2 * (sum(times) - spent)
    assert good >= 18


def test_the_forecast_ends_at_0() -> None:
    forecast = Forecast()
    for event in _events(random.Random(1), dev=1.0, interval=300):
        forecast.see(event)
    assert forecast.left() == 0


def test_a_time_budget_bounds_the_forecast() -> None:
    forecast = Forecast()
    forecast.see(_started(Progress(seconds=40.0), total=10_000, interval=0, minutes=1.0))
    for step in (1, 2, 3):
        forecast.see(_step(step, seconds=1.0))
    assert forecast.left() == pytest.approx(17.0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "?"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (11_415.0, "3:10 h")]
)
def test_seconds_are_told_as_a_person_would(seconds: float | None, said: str) -> None:
    assert clock(seconds) == said


# TensorBoard and curves


def test_where_events_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("no folder")
    with pytest.raises(LitebertError, match=r"cannot write .*events: ") as told:
        fit(Toy(), job(), tmp_path, watch=[tensorboard(tmp_path / "events")])
    assert told.value.code == "disk"


def test_a_full_disk_is_told_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorBoard meets it in a thread of its own. The limit of a file's size stands for that of the disk."""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = tensorboard(tmp_path / "events")(iter([_started(), *(_step(n) for n in range(1, 1000))]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(LitebertError, match=r"cannot write .*events: File too large$"):
            list(told)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    gc.collect()
    assert capfd.readouterr() == ("", "")
    assert threading.excepthook is threading.__excepthook__


def test_of_other_threads_a_trace_is_printed_as_ever(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    events = tensorboard(tmp_path / "events")(iter([_started()]))
    next(events)
    thread = threading.Thread(target=lambda: (tmp_path / "missing").read_text())
    thread.start()
    thread.join()
    assert "FileNotFoundError" in capfd.readouterr().err
    assert not list(events)


def test_tensorboard_goes_on_where_the_run_does(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    class _GoneError(Exception):
        pass

    def gone(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            yield event
            if isinstance(event, Step) and event.step == 25:
                raise _GoneError

    made = job(save_steps=10)
    with pytest.raises(_GoneError):
        fit(Toy(), made, tmp_path, watch=[tensorboard(tmp_path / "events"), gone])
    fit(Toy(), made, tmp_path, watch=[tensorboard(tmp_path / "events"), metrics_log(tmp_path / "log")])
    read = EventAccumulator(str(tmp_path / "events" / "attempt-0"))
    read.Reload()
    assert {"train/loss", "train/half", "train/learning_rate", "dev/accuracy"} <= set(read.Tags()["scalars"])
    assert [point.step for point in read.Scalars("train/loss")] == list(range(1, 49))
    assert [point.step for point in read.Scalars("dev/accuracy")] == [7, 14, 21, 28, 35, 42, 48]


def test_curves_are_drawn(tmp_path: Path) -> None:
    fit(Toy(), job(), tmp_path, watch=[metrics_log(tmp_path / "log")])
    draw_curves(tmp_path / "log", tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").shape[:2] == (480, 1200)


def test_curves_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    draw_curves(tmp_path / "log", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
