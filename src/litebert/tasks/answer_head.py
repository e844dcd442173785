"""ALBERT's head for SQuAD 2.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from litebert.model.config import EncoderConfig
from litebert.model.dropout import Draw, dropout
from litebert.model.hidden import Hidden, Reads
from litebert.tasks.heads import SITE, pieces


class Answer(nn.Module):
    """ALBERT's head for SQuAD 2.0: the end is told by the start, and whether there is an answer by a part of
    its own (google-research/albert, `squad_utils.py`, `create_v2_model`; there it is XLNet's).

    An answer begins and ends in the second text; `[CLS]` stands for none. In training the end is told by the
    right start, so it reads the target `start`, the number of a piece in its sequence [B].
    """

    reads: ClassVar[Reads] = "pieces"
    guided: ClassVar[bool] = True
    beam: ClassVar[int] = 5
    """Starts from which it goes on when it is not told the right one."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        h, self.rate, self.draw = config.hidden, config.classifier_dropout, Draw()
        self.start = nn.Linear(h, 1)
        self.end_states, self.end_start = nn.Linear(h, h), nn.Linear(h, h, bias=False)
        self.end_norm = nn.LayerNorm(h, eps=1e-12)
        self.end = nn.Linear(h, 1)
        self.none_states = nn.Linear(2 * h, h)
        self.none = nn.Linear(h, 1, bias=False)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.trunc_normal_(part.weight, std=config.initial_std)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def forward(self, hidden: Hidden, targets: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """In training `start` [N], `end` [N] and `none` [B]: logits. Else `start` [N], `end` [N, beam], log
        probabilities; `top` [B, beam], the pieces that the starts are, by likelihood; and `none` [B].

        What an answer cannot begin or end with has -inf.
        """
        states, rows = pieces(hidden).float(), _Rows(hidden)
        start = self.start(states)[:, 0]
        chances = rows.laid(start).softmax(1)
        likely = torch.einsum("bw,bwh->bh", chances, states[rows.places])
        none = self._none(likely, states[hidden.batch.first], hidden)
        ends = self.end_states(states)
        if targets is not None:
            picked = states[hidden.batch.first + targets["start"].clamp(min=0)]
            end = self._end(ends + self.end_start(picked)[rows.owner])
            return {"start": rows.masked(start), "end": rows.masked(end), "none": none}
        laid = rows.laid(start).log_softmax(1)
        top = laid.topk(min(self.beam, laid.shape[1]), dim=1).indices
        picked = self.end_start(states[rows.places.gather(1, top)])
        end = torch.stack([self._end(ends + picked[rows.owner, k]) for k in range(top.shape[1])], 1)
        logs = torch.stack([rows.flat(rows.laid(one).log_softmax(1)) for one in end.unbind(1)], 1)
        return {"start": rows.flat(laid), "end": logs, "top": top, "none": none}

    def _end(self, states: Tensor) -> Tensor:
        """[N, H] → [N]"""
        return self.end(self.end_norm(torch.tanh(states)))[:, 0]  # type: ignore[no-any-return]

    def _none(self, likely: Tensor, first: Tensor, hidden: Hidden) -> Tensor:
        """How likely there is no answer [B], a logit, by the likely start's states and `[CLS]`'s."""
        states = torch.tanh(self.none_states(torch.cat([likely, first], 1)))
        if self.training and self.rate > 0:
            states = dropout(states, self.rate, self.draw.rows(hidden.batch.first_keys, SITE))
        return self.none(states)[:, 0]  # type: ignore[no-any-return]


class _Rows:
    """A packed batch's pieces laid out a sequence to a row, and back. W is the longest's length.

    places: int64 [B, W], the piece in each place; owner: int64 [N], each piece's sequence.
    """

    def __init__(self, hidden: Hidden) -> None:
        batch = hidden.batch
        places, bias = batch.padded
        self.places = places.view(bias.shape)
        lengths = torch.tensor(batch.lengths, device=places.device)
        self.owner = torch.repeat_interleave(torch.arange(len(lengths), device=places.device), lengths)
        self._within = batch.positions[: batch.count]
        second = (batch.segments[: batch.count] == 1) & (self._within < lengths[self.owner] - 1)
        self.allowed = second | (self._within == 0)
        self._empty = bias == -torch.inf

    def masked(self, values: Tensor) -> Tensor:
        """[N], -inf where no answer can begin or end."""
        return values.masked_fill(~self.allowed, -torch.inf)

    def laid(self, values: Tensor) -> Tensor:
        """[N] → [B, W], masked, -inf in empty places."""
        return self.masked(values)[self.places].masked_fill(self._empty, -torch.inf)

    def flat(self, rows: Tensor) -> Tensor:
        """[B, W] → [N]"""
        return rows[self.owner, self._within]
