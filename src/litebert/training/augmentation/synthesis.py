"""Synthesis: a text of segments of several, all of one class.

Segments are what stands between marks. One is replaced by one of another text of the class: a first segment
by a first, a last by a last.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from numpy.random import Generator

from litebert.errors import UsageError
from litebert.tasks.rewording import Change, Reworded, Spans
from litebert.tasks.words import Bounds
from litebert.training.augmentation.augmentation import Augmentation, Ground, Row, Setting, whole

_SEGMENT = re.compile(r".+?(?:[,.;:!?]+(?=\s|$)\s*|[，。；：！？、…]+\s*|\n+|$)", re.DOTALL)


def make(setting: Setting, ground: Ground) -> Augmentation:
    """rate: of the segments. Raises `UsageError` for a task whose texts are not of classes."""
    ground.must_be_whole(setting.name)
    classes = _classes(ground.rows)
    pools: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row, name in zip(ground.rows, classes, strict=True):
        segments = _segments(row.given.text)
        for i, segment in enumerate(segments):
            pools[name, _part(i, len(segments))].append(segment)

    def synthesis(number: int, draw: Generator) -> Change:
        def change(text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:  # noqa: ARG001
            segments = _segments(text)
            for i in range(len(segments)):
                pool = pools[classes[number], _part(i, len(segments))]
                if draw.random() < setting.rate:
                    segments[i] = pool[int(draw.integers(len(pool)))]
            return whole(text, "".join(segments) or text)

        return change

    return synthesis


def _segments(text: str) -> list[str]:
    """None of a text that has only one: it would begin and end nothing."""
    found: list[str] = _SEGMENT.findall(text)
    return found if len(found) > 1 else []


def _part(place: int, count: int) -> int:
    """Beginning, middle or end."""
    return 0 if place == 0 else 2 if place == count - 1 else 1


def _classes(rows: Sequence[Row]) -> list[str]:
    """Of each text; of several labels all together. Raises `UsageError`."""
    if any(getattr(row.given, "second", None) is not None for row in rows):
        raise UsageError(
            "--augment synthesis is for single texts: parts of other pairs would not fit together"
        )
    return [_class(row.wanted) for row in rows]


def _class(wanted: Any) -> str:
    if hasattr(wanted, "labels"):
        return "\0".join(sorted(label.label for label in wanted.labels))
    if not hasattr(wanted, "label"):
        raise UsageError("--augment synthesis puts texts of one class together, but this task has no classes")
    return str(wanted.label)
