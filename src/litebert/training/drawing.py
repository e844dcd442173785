"""How training draws on its examples: plain data, no torch, so that `--help` is quick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from litebert.errors import UsageError

if TYPE_CHECKING:
    from litebert.data.orders import Order
    from litebert.tasks.task import Task


@dataclass(frozen=True)
class Part:
    """Which part of the training data is learnt from."""

    fold: tuple[int, int] | None = None
    """(number from 1, of how many): that one is held out."""
    shots: int | None = None
    """So many examples of each class."""
    seed: int = 1
    """By which they are drawn."""


WHOLE = Part()
_DIGITS = 9
"""Of the number of folds."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How often the training examples come, how they are changed, and how much each counts.

    By default once an epoch, as they are, and alike.
    """

    sampling: Literal["shuffled", "balanced"] = "shuffled"
    """balanced: each class comes as often as the commonest; every example still comes in each epoch."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: in the loss each class counts for as much as the others."""

    augment: tuple[str, ...] = ()
    """Changes texts anew in each epoch: NAME=RATE, such as deletion=0.1 swap=0.1."""

    shots: int | None = None
    """Learn from so many examples of each class, drawn by --seed; the rest judges at the end."""
    fold: str | None = None
    """2/5: hold out the second of five parts, and learn from the others; --folds 5 runs all five."""

    def __post_init__(self) -> None:
        if self.shots is not None and self.shots < 1:
            raise UsageError(f"shots must be at least 1, but is {self.shots}")
        if self.shots is not None and self.fold is not None:
            raise UsageError("--shots and --fold both say which examples to learn from; give one of them")
        self.part(1)

    def part(self, seed: int) -> Part:
        """Which part of the training data is learnt from. Raises `UsageError` for what is no fold."""
        number, slash, count = (self.fold or "1/2").partition("/")
        short = slash and all(n.isdecimal() and len(n) <= _DIGITS for n in (number, count))
        if not (short and 1 <= int(number) <= int(count) >= 2):
            raise UsageError(f"fold must be NUMBER/COUNT, from 1/5 to 5/5 of five, but is {self.fold!r}")
        return Part(None if self.fold is None else (int(number), int(count)), self.shots, seed)

    def fingerprint(self) -> dict[str, str]:
        """All that changes the result; nothing where nothing is asked."""
        usual = asdict(Drawing())
        return {name: str(value) for name, value in asdict(self).items() if value != usual[name]}

    @property
    def balanced(self) -> bool:
        """Whether what is learnt does not follow how frequent each class is."""
        return "balanced" in (self.sampling, self.class_weights)

    def weigh(self, task: Task[Any, Any], wanted: Sequence[Any]) -> Task[Any, Any]:
        """The task with the weights asked for. Raises `UsageError` for one without classes, or for both ways
        at once: together they would favour rare classes."""
        if self.sampling == self.class_weights == "balanced":
            raise UsageError(
                "--sampling balanced and --class-weights balanced do the same in two ways; give one of them"
            )
        self.order(task, wanted)
        return task.weighted(wanted) if self.class_weights == "balanced" else task

    def order(self, task: Task[Any, Any], wanted: Sequence[Any]) -> Order | None:
        """In which the examples come; None for the usual one. Raises `UsageError`."""
        from litebert.data.orders import Balanced

        return None if self.sampling == "shuffled" else Balanced(self._classes(task, wanted))

    def notes(self, task: Task[Any, Any], wanted: Sequence[Any]) -> tuple[str, ...]:
        """What there is to say of it."""
        changed = (
            (f"texts are changed anew in each epoch: {', '.join(self.augment)}",) if self.augment else ()
        )
        return (*self._balance(task, wanted), *changed)

    def _balance(self, task: Task[Any, Any], wanted: Sequence[Any]) -> tuple[str, ...]:
        if not self.balanced:
            return ()
        counts = Counter(self._classes(task, wanted)).most_common()
        (common, most), (rare, least) = counts[0], counts[-1]
        how = (
            "comes as often as the commonest" if self.sampling == "balanced" else "weighs as much in the loss"
        )
        return (
            f"balance: each of {len(counts)} classes {how}; {common!r} has {most} examples, {rare!r} {least}",
        )

    def _classes(self, task: Task[Any, Any], wanted: Sequence[Any]) -> list[str]:
        classes = task.classes(wanted)
        if classes is None:
            raise UsageError(f"the task {task.name} has no classes that could be balanced; leave that out")
        return classes
