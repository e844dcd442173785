"""Inputs to compare by and to calibrate with, where nobody named any: of the example reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from litebert import strict_json
from litebert.data.inputs import read_inputs
from litebert.embedded import FOLDER
from litebert.engine.opening import as_input
from litebert.errors import DataError, InputError, UsageError
from litebert.tasks.as_json import sample
from litebert.tasks.task import Task

MOST = 64
"""Inputs that are compared."""
HIDE = 0.15
"""The share of a text's pieces that become gaps."""


def inputs(task: Task[Any, Any], path: str | None) -> list[Any]:
    """At most `MOST`, of a file of the task's Inputs or of texts in Chinese and English. Raises `UsageError`
    where an Input needs more than texts."""
    if path is not None:
        found = [one for one in islice(read_inputs(path, task), MOST) if not isinstance(one, InputError)]
        if not found:
            raise DataError(f"has no Input of the task {task.name}", path=path)
        return found
    texts = _texts()
    try:
        return [as_input(task, _given(task, texts)) for _ in range(MOST)]
    except InputError as error:
        raise UsageError(f"name a file of Inputs with --sample, to compare by: {error}") from None


def _texts() -> Iterator[str]:
    """The test reviews, a Chinese one after an English one, again and again."""
    files = [(FOLDER / "reviews" / f"{language}.test.jsonl").read_text("utf-8") for language in ("en", "zh")]
    rows = zip(*(map(strict_json.loads, file.splitlines()) for file in files), strict=False)
    texts = [row["text"] for pair in rows for row in pair]
    while True:
        yield from texts


def _given(task: Task[Any, Any], texts: Iterator[str]) -> dict[str, Any]:
    filled = {
        name: next(texts) if shape == "…" else [next(texts) for _ in shape]
        for name, shape in sample(type(task)).items()
    }
    return {**filled, **(_MORE[task.name](texts) if task.name in _MORE else {})}


def _marked(texts: Iterator[str]) -> dict[str, Any]:
    text = next(texts)
    return {"text": f"<e1>{text[:4]}</e1>{text[4:-4]}<e2>{text[-4:]}</e2>"}


def _text(texts: Iterator[str]) -> dict[str, Any]:
    return {"text": next(texts)}


_MORE: dict[str, Callable[[Iterator[str]], dict[str, Any]]] = {
    "entities": _text,
    "tagging": _text,
    "roles": lambda texts: {**_text(texts), "predicate": 0},
    "relations": _marked,
    "fill-mask": lambda _: {"hide": HIDE},
}
"""What an Input of some tasks has beside, or instead of, a text in each field that it must have."""
