"""From what is known of a piece to scores of all words: the head of masked language, and of the decoder.

Shapes: N pieces, E embedding, H hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from litebert.model.activations import ACTIVATIONS
from litebert.model.blocks import Embeddings, Norm
from litebert.model.config import EncoderConfig
from litebert.model.products import Linear, Product


class Prediction(nn.Module):
    """States → scores of all pieces: H → E, activation, norm, then against the word table, and a bias."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden if config.factor == "late" else config.embedding
        self.dense = Linear(config.hidden, width)
        self.norm = Norm(width, eps=config.norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))

    def prepare(
        self, table: Embeddings, dtype: torch.dtype, *, last: torch.dtype | None = None
    ) -> Callable[[Tensor], Tensor]:
        """[N, H] → [N, V], with the matrices packed. last: the precision of the last product, if another."""
        dense, last = self.dense.prepare(dtype), last or dtype
        factor = table.factor if self.config.factor == "late" else None
        outward = None if factor is None else Product(factor.weight.t(), None, dtype)
        words = Product(table.words.weight, self.bias, last)

        def scores(x: Tensor) -> Tensor:
            x = self.norm(ACTIVATIONS[self.config.activation](dense(x)))
            return words((x if outward is None else outward(x)).to(last))

        return scores
