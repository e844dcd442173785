"""A few examples of each class, as if there were no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from litebert.data.example import Examples
from litebert.data.split import first_text, position
from litebert.errors import UsageError


def shots(
    examples: Examples[Any, Any], count: int, seed: int
) -> tuple[Examples[Any, Any], Examples[Any, Any]]:
    """(so many of each class, the rest), drawn by seed, whatever the order in which they come.

    A text is drawn once, and is then not in the rest. Of a class with fewer all are taken. Raises
    `UsageError` for a task without classes.
    """
    classes = examples.task.classes([example.wanted for example in examples])
    if classes is None:
        raise UsageError(f"--shots picks examples of each class, but the task {examples.task.name} has none")
    places = [(position(first_text(one), seed), number) for number, one in enumerate(examples)]
    taken: Counter[str] = Counter()
    texts: set[str] = set()
    chosen: list[int] = []
    for _, number in sorted(places):
        text = first_text(examples[number])
        if taken[classes[number]] < count and text not in texts:
            taken[classes[number]] += 1
            texts.add(text)
            chosen.append(number)
    rest = [one for one in examples if first_text(one) not in texts]
    return replace(examples, rows=[examples[n] for n in sorted(chosen)]), replace(examples, rows=rest)
