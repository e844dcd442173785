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

Counts = NDArray[np.int64]

_CHINESE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Hiragino Sans GB", "Noto Sans CJK JP"),
)
"""Fonts with Chinese letters, one of which many systems have. matplotlib brings none."""
_MOST_NUMBERS = 30
"""With more labels there is no room for numbers in the cells."""


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
    with rc_context({"font.sans-serif": ["DejaVu Sans", *_chinese()]}):
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
    """What to write beside rows and columns: numbers for names that no font here can draw."""
    drawable = all(ord(letter) < 0x2E80 for name in names for letter in name) or bool(_chinese())
    if drawable:
        # A dollar sign would begin a formula.
        return [name[:24].replace("$", r"\$") for name in names], ""
    return [str(number) for number in range(1, len(names) + 1)], "numbered as in confusion.csv"


def _chinese() -> list[str]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [name for name in _CHINESE if name in there]
