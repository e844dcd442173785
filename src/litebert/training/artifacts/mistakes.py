"""`mistakes.jsonl`: the answers that were most sure of themselves, and wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from heapq import nlargest
from math import isnan
from pathlib import Path
from typing import Any

from litebert import durable

WORST = 50


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One wrong answer, of plain values."""

    given: Mapping[str, Any]
    wanted: Any
    answered: Any
    confidence: float
    """How sure it was: a probability, or for numbers how far it was off."""


def write_mistakes(path: Path, mistakes: Iterable[Mistake]) -> None:
    """Writes the worst, surest first; of equals the earlier first."""
    lines = [json.dumps(asdict(mistake), ensure_ascii=False) for mistake in worst(mistakes)]
    durable.replace(path, "".join(f"{line}\n" for line in lines).encode())


def worst(mistakes: Iterable[Mistake], count: int = WORST) -> list[Mistake]:
    """The surest first; one whose confidence is not a number counts for least."""
    return nlargest(count, mistakes, key=lambda m: -1.0 if isnan(m.confidence) else m.confidence)
