"""The examples in parts for cross-validation."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from litebert.data.example import Examples
from litebert.data.split import first_text, position
from litebert.errors import DataError


def folds(examples: Examples[Any, Any], count: int) -> list[Examples[Any, Any]]:
    """So many parts of about one size, each with about the same share of each class.

    Which part an example is in does not depend on the order in which they come; the same text is always in
    one part (`split.first_text`). Raises `DataError` for fewer texts than parts.
    """
    number = _numbers(examples, count)
    parts: list[list[Any]] = [[] for _ in range(count)]
    for example in examples:
        parts[number[first_text(example)]].append(example)
    return [replace(examples, rows=part) for part in parts]


def without(parts: list[Examples[Any, Any]], number: int) -> Examples[Any, Any]:
    """All but one of them, together."""
    return replace(parts[0], rows=[row for at, part in enumerate(parts) if at != number for row in part])


def _numbers(examples: Examples[Any, Any], count: int) -> dict[str, int]:
    """Text → the number of its part: the texts of a class are dealt out in the order of their hashes."""
    classes = examples.task.classes([example.wanted for example in examples]) or [""] * len(examples)
    of_text: dict[str, Counter[str]] = defaultdict(Counter)
    for example, name in zip(examples, classes, strict=True):
        of_text[first_text(example)][name] += 1
    if len(of_text) < count:
        raise DataError(f"{len(of_text)} different texts are too few for {count} folds")
    order = sorted(of_text, key=lambda text: (of_text[text].most_common(1)[0][0], position(text), text))
    return {text: place % count for place, text in enumerate(order)}
