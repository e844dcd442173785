"""What reaches each matrix on real texts: second moments, over all pieces and all uses of a shared block.

A matrix of a shared block is used at every layer, so what it can do without is decided by all of its uses
together: they are added up. In the last layer only what a head reads is worked out, and only that is counted.

Shapes: n numbers in a row that reaches a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from litebert.compression.subject import Subject
from litebert.engine.predictor import batches
from litebert.errors import InputError
from litebert.model.eight_bits import Ranges
from litebert.model.packing import Packed, pack
from litebert.text.encoding import Encoding

PIECES = 8192
"""Looked at, about; each counts once for every layer."""


@dataclass
class Moments(Ranges):
    """By a matrix's name (`attention.0.qkv`): the sum of x xᵀ with a 1 after each row, fp64 [n + 1, n + 1].

    The last row and column are sums of x, and the last number counts the rows.
    """

    sums: dict[str, Tensor] = field(default_factory=dict)
    _inverses: dict[str, Tensor] = field(default_factory=dict)
    """Those that were asked for: several sizes are tried with the same moments."""

    def see(self, name: str, layer: int, x: Tensor) -> None:
        del layer
        rows = torch.cat([x.detach().float(), x.new_ones(len(x), 1, dtype=torch.float32)], 1)
        moment = (rows.t() @ rows).double()
        self.sums[name] = moment if name not in self.sums else self.sums[name] + moment

    def inverse(self, name: str) -> Tensor:
        """Of what `of` gives."""
        if name not in self._inverses:
            self._inverses[name] = torch.linalg.inv(self.of(name))
        return self._inverses[name]

    def of(self, name: str) -> Tensor:
        """The means of x xᵀ, x and 1, with a little added where a number hardly changes, for inverting."""
        sums = self.sums[name]
        means = sums / sums[-1, -1]
        means.diagonal()[:-1].add_(1e-4 * float(means.diagonal()[:-1].mean()))
        return means


@dataclass(frozen=True, eq=False)
class Seen:
    """The Inputs that decide what can be done without."""

    inputs: Sequence[Any]
    _known: list[tuple[Subject, Moments]] = field(default_factory=list)
    """The subject that was looked at last: several ways, and sizes, are tried on one."""

    def batches(self, subject: Subject) -> list[Packed]:
        """As many as are looked at, by length, as the subject reads them."""
        some = self._some(subject)
        return [pack([some[i] for i in members]) for members in batches([len(e) for e in some])]

    def moments(self, subject: Subject) -> Moments:
        """Of every matrix in the subject's blocks."""
        if not self._known or self._known[0][0] is not subject:
            self._known[:] = [(subject, self._moments(subject))]
        return self._known[0][1]

    def _moments(self, subject: Subject) -> Moments:
        model, moments = subject.model(), Moments()
        model.encoder.ranges, model.encoder.dtype = moments, torch.int8
        with torch.inference_mode():
            for batch in self.batches(subject):
                model(batch)
        return moments

    def _some(self, subject: Subject) -> list[Encoding]:
        """The first encodings, until there are pieces enough."""
        many = subject.task.encode_many(self.inputs, subject.tokenizer)
        whole = [encoding for one in many if not isinstance(one, InputError) for encoding in one]
        ends = accumulate(map(len, whole))
        return [encoding for encoding, end in zip(whole, ends, strict=True) if end - len(encoding) < PIECES]
