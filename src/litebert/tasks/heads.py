"""The few heads that tasks share: Hidden → Scores.

What each computes is what the head of the same use in `transformers` does (its dropout included), and a
checkpoint's `classifier` or `qa_outputs` is a head's `output`. Shapes: B sequences, N pieces, H hidden.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from litebert.model.config import EncoderConfig
from litebert.model.dropout import Draw, dropout
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden, Reads
from litebert.model.packing import Packed
from litebert.model.pretraining_heads import MaskedLanguage
from litebert.model.rounding import rounded
from litebert.tasks.task import AT
from litebert.text.tokenizer import Tokenizer

SITE = 1 << 20
"""Where dropout is drawn, beyond any layer's places."""


class _Linear(nn.Module):
    """Dropout, then H → outputs, in fp32. `draw`: where in a run we are; the training loop moves it on."""

    reads: ClassVar[Reads]

    def __init__(self, config: EncoderConfig, outputs: int, rate: float) -> None:
        super().__init__()
        self.output = nn.Linear(config.hidden, outputs)
        self.rate = rate
        self.draw = Draw()
        std = config.initial_std
        nn.init.trunc_normal_(self.output.weight, std=std, a=-2 * std, b=2 * std)
        nn.init.zeros_(self.output.bias)

    def apply_to(self, x: Tensor, batch: Packed) -> Tensor:
        """x [B, H] of sequences, or [n, H] of their pieces → [B, outputs], [n, outputs]."""
        x = x.float()
        if self.training and self.rate > 0:
            keys = batch.first_keys if self.reads == "first" else batch.keys[: batch.count]
            x = dropout(x, self.rate, self.draw.rows(keys, SITE))
        return self.output(x)  # type: ignore[no-any-return]


class Pooled(_Linear):
    """A row of outputs for each sequence: classification, regression, several labels, sentence order."""

    reads: ClassVar[Reads] = "first"

    def __init__(self, config: EncoderConfig, outputs: int) -> None:
        super().__init__(config, outputs, config.classifier_dropout)

    def forward(self, hidden: Hidden) -> dict[str, Tensor]:
        """`logits` [B, outputs]."""
        return {"logits": self.apply_to(hidden.pooled, hidden.batch)}


class Choice(Pooled):
    """One number for each sequence, a choice: multiple choice."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config, 1)


class Tokens(_Linear):
    """A row of outputs for each piece: entities, tags."""

    reads: ClassVar[Reads] = "pieces"

    def __init__(self, config: EncoderConfig, outputs: int) -> None:
        super().__init__(config, outputs, config.classifier_dropout)

    def forward(self, hidden: Hidden) -> dict[str, Tensor]:
        """`logits` [N, outputs]."""
        return {"logits": self.apply_to(pieces(hidden), hidden.batch)}


class Span(_Linear):
    """For each piece, how likely an answer starts there and how likely its last piece is there."""

    reads: ClassVar[Reads] = "pieces"

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config, 2, rate=0.0)

    def forward(self, hidden: Hidden) -> dict[str, Tensor]:
        """`start` [N] and `end` [N]."""
        start, end = self.apply_to(pieces(hidden), hidden.batch).unbind(1)
        return {"start": start, "end": end}


class Gaps(MaskedLanguage):
    """What may stand in each gap, `[MASK]`; worked out for those pieces alone."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.mask = -1

    def meet(self, encoder: Encoder, tokenizer: Tokenizer) -> None:
        """What it must know beside its weights."""
        self.tied_to(encoder.embeddings)
        self.mask = tokenizer.mask

    def forward(self, hidden: Hidden, at: Tensor | None = None) -> dict[str, Tensor]:
        """`vocabulary` [M, V], and which pieces the rows are of, `at` [M]."""
        if at is None:
            at = torch.nonzero(hidden.batch.ids[: hidden.batch.count] == self.mask)[:, 0]
        filled = pad(at, (0, rounded(len(at), steps=8, least=32) - len(at)))
        return {"vocabulary": super().forward(hidden, filled)["vocabulary"][: len(at)], AT: at}


Pooling = Literal["mean", "first", "max"]
"""How the states of a text's pieces become one: their mean, `[CLS]`'s, or the greatest in each place."""


class Embed(nn.Module):
    """A vector of length 1 for each sequence; there is nothing in it to learn."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.pooling = pooling
        self.reads: Reads = "first" if pooling == "first" else "pieces"

    def forward(self, hidden: Hidden) -> dict[str, Tensor]:
        """`embedding` [B, H], fp32. `[CLS]` and `[SEP]` count among the pieces."""
        return {"embedding": normalize(self._pooled(hidden), dim=1)}

    def _pooled(self, hidden: Hidden) -> Tensor:
        if self.pooling == "first":
            return hidden.first.float()
        lengths = torch.tensor(hidden.batch.lengths, device=hidden.first.device)
        return torch.segment_reduce(pieces(hidden).float(), self.pooling, lengths=lengths)


def pieces(hidden: Hidden) -> Tensor:
    """[N, H]. Raises `TypeError` if the encoder was asked for less."""
    if hidden.pieces is None:
        raise TypeError("this head reads every piece, but the encoder was asked for the first of each only")
    return hidden.pieces
