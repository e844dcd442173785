"""Examples that are changed anew for each epoch, and encoded then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from litebert.data.encoded import Encoded, encode_all
from litebert.errors import DataError, InputError
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.augmentation.augmentation import Augmentation, Row


@dataclass(frozen=True, kw_only=True, eq=False)
class Augmented:
    """The examples of an epoch as a function of (seed, epoch) (`data.batches.Epochs`).

    An example that comes twice in an epoch is changed twice; one that could not be encoded as it was changed
    stays as it is.
    """

    task: Task[Any, Any]
    tokenizer: Tokenizer
    rows: Sequence[Row]
    augmentations: Sequence[Augmentation]
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    def epoch(self, number: int, order: NDArray[np.int64]) -> tuple[Encoded, NDArray[np.int64]]:
        """Its rows stand in the order in which they come."""
        if number not in self._kept:
            self._kept.clear()
            self._kept[number] = self._encoded(self.changed(number, order), order)
        return self._kept[number], np.arange(len(order))

    def changed(self, epoch: int, order: NDArray[np.int64]) -> list[Row]:
        """The examples as they come in an epoch."""
        times: Counter[int] = Counter()
        rows = []
        for number in order.tolist():
            rows.append(self._row(number, epoch, times[number]))
            times[number] += 1
        return rows

    def _row(self, number: int, epoch: int, time: int) -> Row:
        row = self.rows[number]
        for place, augmentation in enumerate(self.augmentations):
            # Counters that begin with 0, 0 are those of the order.
            draw = Generator(Philox(key=[self.seed, epoch], counter=[0, 1 + place, time, number]))
            given, wanted = self.task.reworded(row.given, row.wanted, augmentation(number, draw))
            row = replace(row, given=given, wanted=wanted)
        return row

    def _encoded(self, rows: Sequence[Row], order: NDArray[np.int64]) -> Encoded:
        try:
            return encode_all(self.task, self.tokenizer, rows)
        except (DataError, InputError):
            originals = [self.rows[number] for number in order.tolist()]
            return encode_all(
                self.task,
                self.tokenizer,
                [
                    row if self._can_be_encoded(row) else original
                    for row, original in zip(rows, originals, strict=True)
                ],
            )

    def _can_be_encoded(self, row: Row) -> bool:
        try:
            encode_all(self.task, self.tokenizer, [row])
        except (DataError, InputError):
            return False
        return True

    @cached_property
    def _kept(self) -> dict[int, Encoded]:
        """The epoch that is at work."""
        return {}
