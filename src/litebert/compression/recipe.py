"""As small as possible within a bound: ways are gone step by step, as long as the measure stays near enough.

Greedy: of the next steps of all ways, that is taken which makes the model smallest for what it costs; a step
that leads below the bound is not tried again. Each is judged by answers to labelled data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from litebert import names
from litebert.compression.moments import Seen
from litebert.compression.subject import Subject

WAYS = ("heads", "units", "embedding")
"""Those that are tried by themselves: of matrices of low rank nothing was gained that fewer units do not give
for less (docs/compression.md)."""
_NOTHING = 1e-4
"""What a step costs at the least: those that cost nothing are taken by their size."""


@dataclass(frozen=True, eq=False)
class Taken:
    """A step: by which way, how far, and where it leads."""

    way: str
    how: Any
    subject: Subject
    value: float


def smallest(
    subject: Subject,
    seen: Seen,
    value: float,
    bound: float,
    judge: Callable[[Subject], float],
    tell: Callable[[str], None],
) -> list[Taken]:
    """The steps that were taken, in turn. value: the measure as it is; bound: what it must not fall below."""
    ladders = {way: list(_way(way).ladder(subject)) for way in WAYS}
    taken: list[Taken] = []
    while True:
        now = taken[-1].subject if taken else subject
        before = taken[-1].value if taken else value
        steps = [step for step in _steps(now, ladders, seen, judge, tell) if _allowed(step, bound, ladders)]
        if not steps:
            return taken
        best = max(steps, key=lambda s: _saved(now, s) / max(before - s.value, _NOTHING))
        ladders[best.way].pop(0)
        taken.append(best)
        tell(f"taken: {best.way} {_told(best.how)}")


def _steps(
    now: Subject,
    ladders: dict[str, list[Any]],
    seen: Seen,
    judge: Callable[[Subject], float],
    tell: Callable[[str], None],
) -> Iterator[Taken]:
    """The next of each way, judged."""
    for way, rungs in ladders.items():
        if rungs:
            smaller = _way(way).apply(now, rungs[0], seen)
            value = judge(smaller)
            tell(f"{way} {_told(rungs[0])}: {value:.4f}, {smaller.parameters:,} parameters")
            yield Taken(way, rungs[0], smaller, value)


def _allowed(step: Taken, bound: float, ladders: dict[str, list[Any]]) -> bool:
    """Whether it stays above the bound; if not, the way ends here."""
    if step.value < bound:
        ladders[step.way].clear()
        return False
    return True


def _saved(now: Subject, step: Taken) -> float:
    return 1 - step.subject.parameters / now.parameters


def _way(name: str) -> Any:
    return names.find("litebert.compression", name, "way")


def _told(how: Any) -> str:
    return " ".join(map(str, how)) if isinstance(how, tuple | list) else str(how)
