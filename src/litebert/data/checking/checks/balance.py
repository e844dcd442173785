"""How often each label comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.data.example import Place

RARE = 5
"""Examples of a label: with fewer, neither learning nor measuring it means much."""
UNEVEN = 20
"""How many times as often as the rarest the commonest label comes, from where it is said."""
MOST = 10_000
"""Different labels: more are none."""


class Balance(Check):
    """Whether there are several labels, and enough of each."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "one-label": Kind("no label but one", "add rows of others", True),
        "rare": Kind(f"a label of fewer than {RARE} rows", "add rows of it, or join it with another"),
        "uneven": Kind(
            f"a label that comes over {UNEVEN} times as often as another",
            "look at macro_f1 rather than accuracy",
        ),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, Place] = {}
        self.has_one = False

    def row(self, row: Row) -> Iterator[Finding]:
        self.has_one |= row.label is not None
        for label in row.labels:
            if label in self.lines or len(self.lines) < MOST:
                self.counts[label] += 1
                self.lines.setdefault(label, row.place)
        yield from ()

    def end(self) -> Iterator[Finding]:
        if not self.counts:
            return
        (common, most), (rarest, least) = self.counts.most_common()[0], self.counts.most_common()[-1]
        if len(self.counts) == 1 and self.has_one:
            yield self.found("one-label", self.lines[common], f"every row has the label {shown(common)}")
        for label, count in self.counts.items():
            if count < RARE:
                yield self.found("rare", self.lines[label], f"{shown(label)} has {count} of all rows")
        if most > UNEVEN * least:
            message = f"{shown(common)} comes {most:,} times, {shown(rarest)} {least:,}"
            yield self.found("uneven", self.lines[rarest], message)

    def summary(self) -> dict[str, Any]:
        return {"labels": dict(self.counts.most_common())} if self.counts else {}
