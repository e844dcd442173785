"""All that was found in a file, and how it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from litebert.data.checking.finding import Finding

KEPT = 10_000
"""Findings of one code that are kept; all are counted, and all are mended."""
_LABELS = 20
"""Labels of which the counts are shown."""


@dataclass
class Report:
    """What `litebert data check` gives."""

    path: str
    task: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    unreadable: int = 0
    summary: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """How many there are of each code."""
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    """Sentences on what was not checked, and why."""
    dropped: set[int] = field(default_factory=set)
    """The rows that a repaired copy leaves out."""
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What it has in others instead."""
    faults: list[int] = field(default_factory=list)
    """The lines of rows that the format could not read, which it leaves out, too."""
    mended_lines: int = 0
    """Lines that are mended as they are read."""
    seriousness: dict[str, bool] = field(default_factory=dict)

    def hear(self, found: Finding) -> None:
        self.counts[found.code] += 1
        self.seriousness[found.code] = found.serious
        if self.counts[found.code] <= KEPT:
            self.findings.append(found)
        self.mended_lines += found.mended and found.number is None and found.code != "unreadable"
        if found.number is not None and found.drop:
            self.dropped.add(found.number)
        if found.number is not None and found.cells is not None:
            self.mend(found.number, found.cells)

    def mend(self, number: int, cells: Mapping[str, Any]) -> None:
        self.cells.setdefault(number, {}).update(cells)

    @property
    def serious(self) -> int:
        """How many findings are serious."""
        return sum(count for code, count in self.counts.items() if self.seriousness[code])

    def json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "task": self.task,
            "columns": dict(self.columns),
            "rows": self.rows,
            "unreadable": self.unreadable,
            "serious": self.serious,
            "counts": dict(self.counts),
            "summary": self.summary,
            "unchecked": self.unchecked,
            "findings": [found.json() for found in self.findings],
        }

    def lines(self, show: int | None = 5) -> Iterator[str]:
        """For a person; `show` of each code, or all that are kept."""
        yield f"{self.path}: {counted(self.rows)} for {self.task}{self._columns()}"
        yield from (f"  {line}" for line in self._summary())
        for code in sorted(self.counts, key=lambda code: (not self.seriousness[code], code)):
            yield from self._of(code, show)
        yield from (f"not checked: {sentence}" for sentence in self.unchecked)
        if not self.counts:
            yield "nothing found"

    def changes(self) -> Iterator[str]:
        """What a repaired copy changes, place by place."""
        for found in sorted((one for one in self.findings if one.mends), key=lambda one: one.place):
            what = "left out" if found.drop or found.code == "unreadable" else "mended"
            yield f"{found.place}: {what} ({found.code}): {found.message}"

    def _columns(self) -> str:
        pairs = (f"{field} = {column!r}" for field, column in self.columns.items())
        return f" ({', '.join(pairs)})" if self.columns else ""

    def _summary(self) -> Iterator[str]:
        if self.unreadable:
            yield f"{counted(self.unreadable)} cannot be read"
        for name, value in self.summary.items():
            yield f"{name}: {_told(value)}"

    def _of(self, code: str, show: int | None) -> Iterator[str]:
        some = [found for found in self.findings if found.code == code]
        mends = sum(found.mends for found in some)
        way = " (--fix does)" if mends == len(some) else " (--fix does some)" if mends else ""
        yield f"{'!' if self.seriousness[code] else '-'} {self.counts[code]:,} {code}: {some[0].fix}{way}"
        shown = some if show is None else some[:show]
        yield from (f"    {found.place}: {found.message}" for found in shown)
        if len(shown) < self.counts[code]:
            yield f"    … {self.counts[code] - len(shown):,} more"


def counted(count: int, what: str = "row") -> str:
    """A number of rows, or of other things, in words.

    >>> counted(1), counted(1200, "line")
    ('1 row', '1,200 lines')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        some = [f"{name} {_told(one)}" for name, one in list(value.items())[:_LABELS]]
        return ", ".join([*some, *(["…"] if len(value) > _LABELS else [])])
    return (
        f"{value:.2%}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )
