"""Tables of what several seeds gave: means, and 95 % intervals of the mean (Student's t)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import Any


def table(title: str, rows: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    """In Markdown: a line for each row's seeds, all of the same measures, from 0 to 1; in per cent."""
    measures = list(next(iter(rows.values()))[0])
    yield f"| {title} | " + " | ".join(measures) + " |"
    yield "|---|" + "--:|" * len(measures)
    for name, seeds in rows.items():
        yield (
            f"| {name} | " + " | ".join(cell([one[measure] for one in seeds]) for measure in measures) + " |"
        )


def cell(values: Sequence[float]) -> str:
    """The mean in per cent and the half width of its interval; a dash where a seed gave no number."""
    from scipy.stats import t

    if any(value != value for value in values):
        return "–"
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    half: Any = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{100 * mean(values):.1f} ± {100 * half:.1f}"
