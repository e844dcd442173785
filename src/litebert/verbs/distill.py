"""`litebert distill`: a smaller model learns from a larger one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert.errors import DataError, UsageError
from litebert.verbs.keywords import made
from litebert.verbs.on_corpus import OnCorpus

if TYPE_CHECKING:
    from litebert.training.distill import Distilled
    from litebert.training.distributed import World


@dataclass(frozen=True, kw_only=True)
class Distill(OnCorpus):
    """A smaller model learns from a larger one what it makes of words and texts, while it is pretrained.

    The teacher is any BERT or ALBERT, of any vocabulary and language; where it does not read the text, the
    student is pretrained alone. The same command goes on with a run that was stopped.

    Example: litebert distill --teacher runs/large --corpus corpora/mine --out runs/small
    """

    teacher: str
    """A run or Hugging Face folder, or a hub name."""
    student: str | None = None
    """The same, or config:NAME (new weights); left out, the embedded model."""
    depths: tuple[str, ...] = ()
    """Which layer learns from which: OWN:TEACHER, such as 2:2 6:12; left out, the halves and the ends."""
    weight: float = 1.0
    """How much the teacher's losses count beside those of pretraining."""
    parallel: Path | None = None
    """JSONL of {"text", "translation"}: the first in a language that the teacher does not read."""

    def prepared(self, world: World) -> Distilled:
        from litebert.model_source import open_source
        from litebert.training.distill import Distilled

        if not 0 < self.weight < float("inf"):
            raise UsageError(f"--weight must be more than 0, but is {self.weight:g}")
        run = self.pretraining(world, self.student)
        teacher = open_source(self.teacher)
        if teacher.checkpoint is None:
            raise UsageError(f"the teacher {self.teacher} has no weights")
        return Distilled(
            **{one.name: getattr(run, one.name) for one in fields(run)},
            taught_by=teacher,
            depths=_depths(self.depths, run.source.config.layers, teacher.config.layers),
            weight=self.weight,
            parallel=() if self.parallel is None else _pairs(self.parallel),
        )


def distill(**options: Any) -> dict[str, Any]:
    """Let a smaller model learn from a larger one, and return its results.

    Options are the fields of `Distill` (`teacher`, `corpus` and `out` at least), and those of `TrainSettings`
    and `Masking` beside them.
    """
    return made(Distill, options).run()


def _depths(given: tuple[str, ...], own: int, other: int) -> dict[int, int]:
    """Raises `UsageError` for what is no pair of layers."""
    if not given:
        return {max(1, own // 2): max(1, other // 2), own: other}
    return dict(_pair(pair, own, other) for pair in given)


def _pair(given: str, own: int, other: int) -> tuple[int, int]:
    left, _, right = given.partition(":")
    if not (left.isascii() and left.isdigit() and right.isascii() and right.isdigit()):
        raise UsageError(f"--depths has {given!r}; it is OWN:TEACHER, such as {own}:{other}")
    if not (1 <= int(left) <= own and 1 <= int(right) <= other):
        raise UsageError(f"--depths has {given}; the student has layers 1 to {own}, the teacher 1 to {other}")
    return int(left), int(right)


def _pairs(path: Path) -> list[tuple[str, str]]:
    """Raises `DataError` with the line that is no pair."""
    from litebert.data.rows import opened

    with opened(str(path), format="jsonl") as table:
        return [_texts(row, path, line) for line, row in table.rows]


def _texts(row: Mapping[str, Any], path: Path, line: int) -> tuple[str, str]:
    text, translation = row.get("text"), row.get("translation")
    if not isinstance(text, str) or not isinstance(translation, str):
        raise DataError('expected {"text": …, "translation": …}, both texts', path=path, line=line)
    return text, translation
