"""A larger model whose states a smaller one learns to have.

Two models that cut words alike or not have words and sentences in common. A word's state is the mean over its
pieces; a text's, the mean over all pieces, special ones included, as sentence-transformers has it.

Shapes: W words, B samples, T the teacher's hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.model.encoders.albert import Encoder
from litebert.model.packing import Packed, pack_flat
from litebert.text.crosswalk import Crosswalk, Word
from litebert.text.tokenizer import Tokenizer

MOST_UNKNOWN = 0.1
"""A text of which the teacher knows fewer words is not in a language that it reads: the share unknown."""


@dataclass(frozen=True, eq=False)
class Taught:
    """What the teacher says of some texts.

    samples: int64 [S], which of them it reads; words: int64 [W], which of all their words, ascending; states:
    by depth, fp32 [W, T]; texts: fp32 [S, T].
    """

    samples: Tensor
    words: Tensor
    states: Mapping[int, Tensor]
    texts: Tensor


class Teacher:
    """An encoder that is not trained, and its tokenizer."""

    def __init__(self, encoder: Encoder, tokenizer: Tokenizer, own: Tokenizer) -> None:
        """own: the student's tokenizer."""
        self.encoder = encoder.eval().requires_grad_(requires_grad=False)
        self.tokenizer = tokenizer
        self._cross = Crosswalk(own, tokenizer)

    @property
    def width(self) -> int:
        return self.encoder.config.hidden

    @torch.no_grad()
    def __call__(
        self, words: Sequence[Word], owners: NDArray[np.int64], samples: int, depths: Sequence[int]
    ) -> Taught | None:
        """words: each as the student's pieces; owners: int64 [W], the sample of each, ascending. None if the
        teacher reads none of them."""
        crossed = self._cross(words)
        asked = np.bincount(owners, minlength=samples)
        unknown = np.bincount(owners[crossed.unknown], minlength=samples)
        sizes = np.bincount(owners[crossed.words], minlength=samples)
        room = self.encoder.config.positions - 2
        read = np.flatnonzero((asked > 0) & (unknown <= MOST_UNKNOWN * asked) & (sizes > 0) & (sizes <= room))
        if not len(read):
            return None
        batch, places = self._packed(crossed.ids, owners[crossed.words], read)
        states = self.encoder.after(batch, {*depths, self.encoder.config.layers})
        each = torch.from_numpy(crossed.words[np.isin(owners[crossed.words], read)])
        numbers, at = torch.unique_consecutive(each, return_inverse=True)
        return Taught(
            samples=torch.from_numpy(read),
            words=numbers,
            states={d: means(_rows(states[d].pieces)[places], at, len(numbers)) for d in depths},
            texts=text_means(_rows(states[self.encoder.config.layers].pieces), batch),
        )

    def _packed(
        self, ids: NDArray[np.int64], owners: NDArray[np.int64], read: NDArray[np.int64]
    ) -> tuple[Packed, Tensor]:
        """`[CLS] text [SEP]` for each sample that is read, and where the text's pieces stand."""
        kept = np.isin(owners, read)
        sizes = np.bincount(owners[kept], minlength=int(read[-1]) + 1)[read]
        lengths = sizes + 2
        ends = np.cumsum(lengths)
        row = np.full(int(ends[-1]), self.tokenizer.sep)
        row[ends - lengths] = self.tokenizer.cls
        text = np.ones(len(row), bool)
        text[ends - lengths] = text[ends - 1] = False
        row[text] = ids[kept]
        packed = pack_flat(row, np.zeros_like(row), lengths, np.arange(len(read)))
        return packed, torch.from_numpy(np.flatnonzero(text))


def means(rows: Tensor, at: Tensor, count: int) -> Tensor:
    """rows [n, H] → fp32 [count, H], the mean of those with `at` (int64 [n]) alike."""
    sums = torch.zeros(count, rows.shape[1]).index_add(0, at, rows.float())
    return sums / torch.bincount(at, minlength=count)[:, None]


def text_means(pieces: Tensor, batch: Packed) -> Tensor:
    """pieces [n, H] → fp32 [B, H], over all pieces of each sequence."""
    lengths = torch.tensor(batch.lengths)
    return means(pieces, torch.repeat_interleave(torch.arange(len(lengths)), lengths), len(lengths))


def _rows(pieces: Tensor | None) -> Tensor:
    assert pieces is not None, "the teacher is asked for all pieces"
    return pieces
