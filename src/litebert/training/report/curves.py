"""`curves.png`: the loss and the measures on dev over the updates, drawn from `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from litebert import durable
from litebert.training.artifacts.lettering import drawable, fonts, literal, numbered
from litebert.training.report.metrics import rows

_NOT_MEASURES = {"kind", "attempt", "step", "best", "train_loss"}
_NUMBERED = " (tasks numbered as in README.md)"


def draw_curves(log: Path, to: Path) -> None:
    """Draws the last attempt of a run."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logged = list(rows(log))
    attempt = max((row["attempt"] for row in logged), default=0)
    last = [row for row in logged if row["attempt"] == attempt]
    drawn = BytesIO()
    with rc_context({"font.family": fonts()}):
        figure = Figure(figsize=(10, 4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _loss(left, [row for row in last if row["kind"] == "step" and row["loss"] is not None])
        _dev(right, [row for row in last if row["kind"] == "dev"])
        figure.savefig(drawn, format="png", dpi=120)
    durable.replace(to, drawn.getvalue())


def _loss(axes: Any, steps: list[dict[str, Any]]) -> None:
    axes.set(title="Training", xlabel="update", ylabel="loss")
    if not steps:
        return
    x, y = np.array([row["step"] for row in steps]), np.array([row["loss"] for row in steps])
    axes.plot(x, y, color="0.8", linewidth=0.8, label="loss")
    window = max(1, len(y) // 30)
    if window > 1:
        smooth = np.convolve(y, np.ones(window) / window, mode="valid")
        axes.plot(x[window - 1 :], smooth, color="C0", label=f"mean of {window}")
    rates = axes.twinx()
    rates.plot(x, [row["learning_rate"] for row in steps], color="C1", linewidth=0.8)
    rates.set_ylabel("learning rate", color="C1")
    axes.legend(loc="upper right")


def _dev(axes: Any, judged: list[dict[str, Any]]) -> None:
    names = [name for name in (judged[0] if judged else {}) if name not in _NOT_MEASURES]
    shown, note = _legend(names)
    axes.set(title=f"Dev{note}", xlabel="update")
    for name, label in zip(names, shown, strict=True):
        values = [float("nan") if row[name] is None else row[name] for row in judged]
        axes.plot([row["step"] for row in judged], values, marker=".", label=label)
    best = [row["step"] for row in judged if row["best"]]
    if best:
        axes.axvline(best[-1], color="0.7", linestyle=":", label="best")
        axes.legend(loc="lower right")


def _legend(names: Sequence[str]) -> tuple[list[str], str]:
    """What to call measures, `accuracy` or `TASK/accuracy`: tasks by number where no font has the letters."""
    if drawable(names):
        return [literal(name) for name in names], ""
    parts = [name.rpartition("/") for name in names]
    tasks = list(dict.fromkeys(task for task, _, _ in parts if task))
    number = dict(zip(tasks, numbered(tasks), strict=True))
    return [f"{number.get(task, task)}{slash}{measure}" for task, slash, measure in parts], _NUMBERED
