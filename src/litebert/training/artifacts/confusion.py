"""Which labels were taken for which: `confusion.csv` and `confusion.png`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert import durable
from litebert.training.artifacts.lettering import drawable, fonts, literal, numbered

Counts = NDArray[np.int64]

_MOST_NUMBERS = 30
"""With more labels there is no room for numbers in the cells."""
_LONGEST = 24
"""As much of a label as there is room for, in characters."""


def count_confusion(names: Sequence[str], wanted: Sequence[str], answered: Sequence[str]) -> Counts:
    """How often each label (row) was answered as each (column): int64 [C, C]."""
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for right, given in zip(wanted, answered, strict=True):
        counts[place[right], place[given]] += 1
    return counts


def write_confusion(folder: Path, names: Sequence[str], counts: Counts) -> None:
    """Writes the table and the picture into a folder."""
    durable.replace(folder / "confusion.csv", _table(names, counts).encode())
    durable.replace(folder / "confusion.png", _picture(names, counts))


def _table(names: Sequence[str], counts: Counts) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["wanted \\ answered", *map(_cell, names)])
    for name, row in zip(names, counts.tolist(), strict=True):
        writer.writerow([_cell(name), *row])
    return text.getvalue()


def _cell(name: str) -> str:
    """A label that a spreadsheet would run as a formula gets an apostrophe, as OWASP advises."""
    return f"'{name}" if name[:1] in "=+-@\t\r" and name and not _is_number(name) else name


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _picture(names: Sequence[str], counts: Counts) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    side = min(20.0, 3 + 0.45 * len(names))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    drawn = BytesIO()
    with rc_context({"font.family": fonts()}):
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, label="share of the wanted label", shrink=0.8)
        shown, note = _ticks(names)
        axes.set(xlabel="answered", ylabel="wanted", title=note)
        axes.set_xticks(range(len(shown)), shown, rotation=90)
        axes.set_yticks(range(len(shown)), shown)
        if len(names) <= _MOST_NUMBERS:
            for (row, column), number in np.ndenumerate(counts):
                dark = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(number), ha="center", va="center", color=dark, fontsize=8)
        figure.savefig(drawn, format="png", dpi=120)
    return drawn.getvalue()


def _ticks(names: Sequence[str]) -> tuple[list[str], str]:
    """What to write beside rows and columns, and what to say of it: numbers where no font has the letters."""
    if drawable(names):
        return [literal(name[:_LONGEST]) for name in names], ""
    return numbered(names), "numbered as in confusion.csv"
