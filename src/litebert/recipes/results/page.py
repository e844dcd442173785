"""What was found, as a page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litebert.recipes.results.rows import MOVIES, NEWEST, ROWS, Goal, Row
from litebert.recipes.results.work import Workshop

OURS = "both"
"""Of the ways of recommending, the one that is ours."""
_NOT_YET = "not yet"
_LINE = re.compile(r"\| `([^`]+)` \|")
_HEAD = """\
# Results

litebert-tiny, as it comes with the package, trained for each task on one thread of a processor and judged on
a development split. Every baseline learnt from the same training data and was judged on the same split in the
same run. In brackets 95 % bootstrap intervals. A run keeps the weights that are best on this split, so the
figures of trained models are a little too good; a baseline chooses nothing. Measures are from 0 to 1, BLEU to
100; in bold what meets its goal. Minutes are as they came, some with other work on the same core. Made by

    LITEBERT_DATA=… python -m litebert.recipes.results OUT --page docs/results.md

| data | measure | goal | litebert-tiny | baselines | training |
|---|---|--:|--:|---|---|
"""
_SPLITS = """
Splits are the sets' own where they have one; else a tenth by the hash of the (first) text, and by article for
SQuAD, as [data](data.md#sources) says. Figures on such splits are not those of official test sets.

"""


def page(workshop: Workshop, before: str = "") -> str:
    """The whole page, of those rows that are there.

    before: the page as it was. Its lines of a row stay where the workshop has no finished run of that row.
    """
    earlier = _by_source(before)
    lines = [line for row in ROWS for line in _newest(list(_lines(row, workshop)), earlier[row.source])]
    notes = [f"- **{row.source}**: {row.note}" for row in ROWS if row.note]
    told = "\n## Notes\n\n" + "\n".join(notes) + "\n" if notes else ""
    return _HEAD + "".join(f"{line}\n" for line in lines) + _SPLITS + _weights() + told


def _weights() -> str:
    newest = ", ".join(f"`{row.source}`" for row in ROWS if row.source in NEWEST)
    return (
        f"Trained from litebert-tiny as it is, after 103 million pieces of pretraining: {newest}. The other "
        "rows that begin with it have been trained from its state after 41 million.\n"
    )


def _by_source(page: str) -> defaultdict[str, list[str]]:
    """A page's lines of each row."""
    lines = defaultdict(list)
    for line in page.splitlines():
        if found := _LINE.match(line):
            lines[found[1]].append(line)
    return lines


def _newest(found: list[str], earlier: list[str]) -> list[str]:
    """A row's lines: those found now, unless the earlier ones hold a figure of ours and these hold none."""
    return max(found, earlier, key=_known)


def _known(lines: Sequence[str]) -> int:
    """How much a row's lines tell: nothing, how good the baselines are, or how good ours is."""
    if not lines:
        return 0
    return 1 if any(f"| {_NOT_YET} |" in line for line in lines) else 2


def _lines(row: Row, workshop: Workshop) -> Iterator[str]:
    """A line for each measure of a row of which anything is known."""
    found = (
        dict(workshop.baselines(row)) if (workshop.out / "baselines" / f"{row.source}.json").exists() else {}
    )
    ours = found.pop(OURS, None) if row.source == MOVIES else workshop.trained(row)
    recurrent = None if row.source == MOVIES else workshop.trained(row, recurrent=True)
    if recurrent is not None:
        found["LSTM"] = recurrent
    if not found and ours is None:
        return
    for number, measure in enumerate(row.measures):
        goal = next((one for one in row.goals if one.measure == measure), None)
        baselines = "<br>".join(f"{name} {_value(one, measure)}" for name, one in found.items())
        told = f"{_minutes(ours)}{ours['settings']}" if ours and "settings" in ours and number == 0 else ""
        yield (
            f"| `{row.source}` | {measure} | {_goal(goal, found)} | {_ours(ours, measure, goal, found)} "
            f"| {baselines} | {told} |"
        )


def _minutes(ours: Mapping[str, Any]) -> str:
    return "" if ours.get("minutes") is None else f"{ours['minutes']:.0f} min: "


def _goal(goal: Goal | None, baselines: Mapping[str, Any]) -> str:
    if goal is None:
        return "–"
    needed = goal.needed(_only_baselines(baselines))
    number = "" if needed is None else _number(needed, goal.measure)
    return f"≥ {number}" if not goal.above else f"{'≥' if goal.least else '>'} {number}"


def _ours(
    ours: Mapping[str, Any] | None, measure: str, goal: Goal | None, baselines: Mapping[str, Any]
) -> str:
    """In bold where it meets its goal."""
    if ours is None:
        return _NOT_YET
    value = _value(ours, measure)
    met = goal is not None and goal.met(ours[measure], _only_baselines(baselines))
    head, _, tail = value.partition(" ")
    return f"**{head}** {tail}" if met else value


def _only_baselines(found: Mapping[str, Any]) -> dict[str, Any]:
    """Without the recurrent model, which no goal is counted from."""
    return {name: one for name, one in found.items() if name != "LSTM"}


def _value(found: Mapping[str, Any], measure: str) -> str:
    low, high = found["intervals"][measure]
    ends: Sequence[str] = [_number(one, measure) for one in (found[measure], low, high)]
    return f"{ends[0]} ({ends[1]}–{ends[2]})"


def _number(value: float, measure: str) -> str:
    return f"{value:.1f}" if measure == "bleu" else f"{value:.3f}"
