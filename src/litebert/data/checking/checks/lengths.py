"""How long Inputs are in the tokenizer's pieces, and how many are over the limit."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from litebert.data.checking.check import Check, Study
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.errors import InputError
from litebert.text.limits import EXPANDED_LIMIT

_TOGETHER = 256
"""Inputs that are encoded at once."""


class Lengths(Check):
    """Whether Inputs, special pieces included, fit into one sequence."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "long": Kind("an Input that is longer than a sequence", "say with --on-long what becomes of it"),
        "refused": Kind("an Input that cannot be encoded at all", "mend it, or drop it", True),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.limit = study.settings.max_pieces or study.task.max_pieces
        self.task = replace(study.task, max_pieces=EXPANDED_LIMIT, on_long="truncate")
        self.lengths = array("q")
        self.waiting: list[Row] = []

    def row(self, row: Row) -> Iterator[Finding]:
        self.waiting.append(row)
        if len(self.waiting) >= _TOGETHER:
            yield from self._measured()

    def end(self) -> Iterator[Finding]:
        yield from self._measured()

    def _measured(self) -> Iterator[Finding]:
        rows, self.waiting = self.waiting, []
        found = self.task.encode_many([row.given for row in rows], self.study.tokenizer())
        for row, encodings in zip(rows, found, strict=True):
            if isinstance(encodings, InputError):
                yield self.found("refused", row.place, encodings.message, number=row.number, drop=True)
                continue
            length = max((len(one) for one in encodings), default=0)
            self.lengths.append(length)
            if length > self.limit:
                message = f"{length:,} pieces; a sequence has {self.limit:,}"
                yield self.found("long", row.place, message, number=row.number)

    def summary(self) -> dict[str, Any]:
        if not self.lengths:
            return {}
        lengths = np.frombuffer(self.lengths, np.int64)
        half, most, longest = (int(np.quantile(lengths, share)) for share in (0.5, 0.95, 1))
        over = float(np.mean(lengths > self.limit))
        told = {"median": half, "95 %": most, "longest": longest, "limit": self.limit, "share over": over}
        return {"pieces": told}
