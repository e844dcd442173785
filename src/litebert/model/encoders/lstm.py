"""A bidirectional LSTM (Hochreiter & Schmidhuber 1997): the recurrent baseline, under the same tasks.

Embeddings and pooler are ALBERT's bricks; between them stand layers of `nn.LSTM`, each of two directions of
half the width. What stands for a whole sequence is the last state of each direction. It computes in fp32.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from litebert.errors import UsageError
from litebert.model.config import EncoderConfig
from litebert.model.dropout import dropout
from litebert.model.encoders.albert import Encoder, without_first
from litebert.model.hidden import Hidden, Reads
from litebert.model.packing import Packed

_SITE = 1 << 16
"""Where dropout is drawn between the layers, beyond the embeddings' places."""


class LSTM(Encoder):
    """Pieces → what the encoder knows of them."""

    def add_layers(self, config: EncoderConfig) -> None:
        self.layers = nn.ModuleList(_layer(config.hidden) for _ in range(config.layers))

    def forward(self, batch: Packed, reads: Reads = "pieces", dtype: torch.dtype | None = None) -> Hidden:
        if reads == "nothing":
            return without_first(batch, None)
        x = self.embeddings(batch, self.run(dtype))[: batch.count].float()
        first = x.new_zeros(len(batch), self.config.hidden)
        for number, layer in enumerate(self.layers):
            x, first = _read(layer, self._dropped(x, batch, number), batch)
        if reads == "memory":
            return without_first(batch, pad(x, (0, 0, 0, len(batch.ids) - batch.count)))
        return Hidden(batch, first, self.pooler(first), None if reads == "first" else x)

    def after(
        self,
        batch: Packed,  # noqa: ARG002
        depths: Collection[int],  # noqa: ARG002
        reads: Literal["pieces", "first"] = "pieces",  # noqa: ARG002
    ) -> dict[int, Hidden]:
        raise UsageError("an LSTM has no depths at which it could be left, or learn from a teacher")

    def _dropped(self, x: Tensor, batch: Packed, number: int) -> Tensor:
        """Before every layer but the first: the embeddings have a dropout of their own."""
        rate = self.config.hidden_dropout
        if not self.training or rate == 0 or number == 0:
            return x
        return dropout(x, rate, self.draw.rows(batch.keys[: batch.count], _SITE + number))


def _layer(width: int) -> nn.LSTM:
    """It begins by forgetting little: the forget gate's bias is 1 (Jozefowicz, Zaremba & Sutskever 2015)."""
    layer = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for name, bias in layer.named_parameters():
            if name.startswith("bias_hh"):
                bias[width // 2 : width] = 1.0
    return layer


def _read(layer: nn.Module, x: Tensor, batch: Packed) -> tuple[Tensor, Tensor]:
    """x [n, H], the pieces of all sequences → the layer's [n, H], and the last of each direction [B, H]."""
    places, bias = batch.padded
    rows = x[places].view(*bias.shape, -1)
    lengths = torch.tensor(batch.lengths)
    packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
    found, (last, _) = layer(packed)
    laid, _ = pad_packed_sequence(found, batch_first=True)
    return laid[bias == 0], torch.cat([last[0], last[1]], dim=1)
