"""A conditional random field: each tag is weighed by its word and by the tag before it, a whole path at once
(Lafferty, McCallum & Pereira 2001).

Shapes: N pieces, B sequences, S of them with words, W words of the longest, L tags. `steps` [L + 1, L + 1]
weighs one tag (row) before another (column); the last row and column are the boundary, before the first
word and after the last.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from litebert.model.config import EncoderConfig
from litebert.model.hidden import Hidden
from litebert.model.model import Targets
from litebert.tasks.heads import Tokens
from litebert.tasks.tags import Grammar
from litebert.tasks.word_tags import IGNORED

FASTER = 50.0
"""The weights of steps are so many times the parameters. To Adam it is a learning rate so many times as high:
they begin at 0, and at the rate of a pretrained encoder would hardly get away from there."""
FORBIDDEN = -1e4
"""What a step weighs in training that may not be; finite, for a window may begin inside a span."""


class Path(Tokens):
    """A row of outputs for each piece, and what steps from tag to tag weigh."""

    guided: ClassVar[bool] = True

    def __init__(self, config: EncoderConfig, rules: Grammar) -> None:
        super().__init__(config, len(rules.start))
        self.crf = Steps(rules)

    def forward(self, hidden: Hidden, targets: Targets | None = None) -> dict[str, Tensor]:
        """In training `nats` [S]: -ln p of the wanted tags of each sequence that has any. Else `logits`
        [N, L], and `steps`, the same row for every sequence [B, (L + 1)²]."""
        scores = super().forward(hidden)
        if targets is None:
            return {**scores, "steps": self.crf().flatten().expand(len(hidden.batch), -1)}
        laid = laid_out(scores["logits"], targets["tag"], hidden.batch.lengths)
        return {"nats": nats(*laid, self.crf.allowed())}


class Steps(nn.Module):
    """What it weighs that one tag stands before another."""

    forbidden: Tensor

    def __init__(self, rules: Grammar) -> None:
        super().__init__()
        size = len(rules.start) + 1
        self.weight = nn.Parameter(torch.zeros(size, size))
        forbidden = torch.zeros(size, size, dtype=torch.bool)
        forbidden[:-1, :-1] = torch.from_numpy(rules.after < 0)
        self.register_buffer("forbidden", forbidden, persistent=False)

    def forward(self) -> Tensor:
        """[L + 1, L + 1]"""
        return self.weight * FASTER

    def allowed(self) -> Tensor:
        """The same, with next to no chance for what the rules forbid."""
        return self.forward().masked_fill(self.forbidden, FORBIDDEN)


def laid_out(logits: Tensor, wanted: Tensor, lengths: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """The words of a packed batch, a sequence to a row; sequences without words are left out.

    logits [N, L]; wanted int64 [N], `IGNORED` where no word is read; lengths in pieces. Gives rows [S, W, L],
    tags int64 [S, W] and counts int64 [S], the words of each; what fills up is 0.
    """
    read = torch.nonzero(wanted != IGNORED)[:, 0]
    owners = torch.repeat_interleave(torch.tensor(lengths, device=wanted.device))[read]
    _, owners, counts = torch.unique_consecutive(owners, return_inverse=True, return_counts=True)
    within = torch.arange(len(read), device=wanted.device) - (counts.cumsum(0) - counts)[owners]
    shape = (len(counts), int(counts.max()) if len(counts) else 0)
    rows = logits.new_zeros(*shape, logits.shape[1]).index_put((owners, within), logits[read])
    return rows, wanted.new_zeros(shape).index_put((owners, within), wanted[read]), counts


def nats(rows: Tensor, tags: Tensor, counts: Tensor, steps: Tensor) -> Tensor:
    """-ln p of each path among all paths: rows [S, W, L], tags int64 [S, W], counts int64 [S] → [S]."""
    if len(counts) == 0:
        return rows.sum((1, 2))
    return log_total(rows, counts, steps) - weight(rows, tags, counts, steps)


def weight(rows: Tensor, tags: Tensor, counts: Tensor, steps: Tensor) -> Tensor:
    """What a path weighs [S]: its outputs and its steps, from the boundary to the boundary."""
    boundary = rows.shape[2]
    inside = torch.arange(rows.shape[1], device=rows.device) < counts[:, None]
    outputs = rows.gather(2, tags[:, :, None])[:, :, 0].masked_fill(~inside, 0).sum(1)
    path = nn.functional.pad(tags.masked_fill(~inside, boundary), (1, 1), value=boundary)
    taken = steps[path[:, :-1], path[:, 1:]]
    taken = taken.masked_fill(nn.functional.pad(~inside, (1, 0), value=False), 0)
    return outputs + taken.sum(1)


def log_total(rows: Tensor, counts: Tensor, steps: Tensor) -> Tensor:
    """ln of the sum of exp of what every path weighs [S], by the forward algorithm (Rabiner 1989)."""
    before, after, end = steps[-1, :-1], steps[:-1, :-1], steps[:-1, -1]
    total = before + rows[:, 0]
    for place in range(1, rows.shape[1]):
        longer = torch.logsumexp(total[:, :, None] + after, dim=1) + rows[:, place]
        total = torch.where((place < counts)[:, None], longer, total)
    return torch.logsumexp(total + end, dim=1)
