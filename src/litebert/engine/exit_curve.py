"""What leaving early costs and saves, as it was measured on dev; and which rule keeps a wished quality."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any, ClassVar, get_args

from litebert.engine.leaving import By, Rule
from litebert.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Point:
    """A rule for leaving, and what came of it on dev."""

    by: By
    threshold: float
    layers: float
    """The share of layers that were worked out, a piece's as much as another's."""
    value: float
    """The chief measure."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What `exits.json` holds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    depths: tuple[int, ...]
    """After how many layers there are exits, ascending."""
    measure: str
    """The chief measure's name."""
    whole: float
    """What the whole model has of it on dev."""
    examples: int
    """Of dev."""
    points: tuple[Point, ...]
    """By rising share of layers."""

    def rule(self, quality: float) -> Rule | None:
        """Of the rules that kept this share of the measure on dev, the one with the fewest layers; None where
        only the whole model does. quality: from above 0 to below 1.

        A rule counts only if all stricter ones of its kind kept as much, so that none is chosen for its luck.
        """
        least = self.whole - (1 - quality) * abs(self.whole)
        enough = [
            point
            for by in get_args(By)
            for point in takewhile(lambda point: point.value >= least, self._strictest_first(by))
        ]
        if not enough:
            return None
        best = min(enough, key=lambda point: (point.layers, -point.value))
        return Rule(best.by, best.threshold)

    def _strictest_first(self, by: By) -> list[Point]:
        return sorted((p for p in self.points if p.by == by), key=lambda point: -point.threshold)

    @property
    def best(self) -> tuple[Point, ...]:
        """The points that no other beats in both, by rising share of layers."""
        kept: list[Point] = []
        for point in sorted(self.points, key=lambda point: (point.layers, -point.value)):
            if not kept or point.value > kept[-1].value:
                kept.append(point)
        return tuple(kept)


def check_quality(quality: float) -> None:
    """Raises `UsageError` for what cannot be meant."""
    if not 0 < quality <= 1:
        raise UsageError(
            f"quality must be above 0 and at most 1, but is {quality:g}: it is the share of the whole "
            "model's measure on dev that must be kept; 1 is exact"
        )
