"""The heads that ALBERT is pretrained through: masked language and sentence order.

Shapes: B sequences, N pieces, M of them asked for, E embedding, H hidden, V vocabulary.
"""

from __future__ import annotations

from typing import ClassVar, Self

from torch import Tensor, nn
from torch.nn import functional as F

from litebert.model.blocks import Embeddings
from litebert.model.config import EncoderConfig
from litebert.model.encoders.albert import initialise
from litebert.model.hidden import Hidden, Reads
from litebert.model.likelihood import WordLoss, word_loss
from litebert.model.prediction import Prediction
from litebert.model.rounding import rounded


class MaskedLanguage(Prediction):
    """Which piece stands here? H → E, activation, norm, then against the word table itself, and a bias.

    The table is the encoder's own, so the head must be told of it: `head.tied_to(encoder.embeddings)`.
    It is not a parameter of the head. With brightmart's factor the first layer is H → H, and both tables are
    tied.
    """

    reads: ClassVar[Reads] = "pieces"

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self._tied: tuple[Embeddings, ...] = ()  # in a tuple, torch does not take it for a part of the head
        initialise(self, config.initial_std)

    def tied_to(self, embeddings: Embeddings) -> Self:
        """The head itself, reading that word table from now on."""
        self._tied = (embeddings,)
        return self

    def forward(self, hidden: Hidden, at: Tensor | None = None) -> dict[str, Tensor]:
        """`vocabulary` [M, V], fp32.

        at: int64 [M], the pieces asked for, numbered through the batch; all N if it is left out. Only those
        are worked out: for ALBERT-zh-tiny all of them would cost 59 % of the encoder.
        """
        return {"vocabulary": self._scores(hidden, at).float()}

    def loss(self, hidden: Hidden, at: Tensor, labels: Tensor) -> WordLoss:
        """Of the words that stood at the pieces `at`, int64 [M] both, without fp32 scores. Piece 0 fills M up
        to few values, as with pieces (`packing.rounded`): memory and kernels serve the next step too."""
        filled = F.pad(at, (0, rounded(len(at), steps=8, least=32) - len(at)))
        return word_loss(self._scores(hidden, filled), labels)

    def _scores(self, hidden: Hidden, at: Tensor | None) -> Tensor:
        """[M, V], in the precision of the pieces' states."""
        if hidden.pieces is None:
            raise TypeError(
                "this head reads every piece, but the encoder was asked for the first of each only"
            )
        if not self._tied:
            raise RuntimeError("the head is not tied to a word table: call tied_to(encoder.embeddings) first")
        x = hidden.pieces if at is None else hidden.pieces.index_select(0, at)
        return self.prepare(self._tied[0], x.dtype)(x)


class SentenceOrder(nn.Module):
    """Are the two segments as they stood in the text (0), or swapped (1)? No dropout, unlike transformers."""

    reads: ClassVar[Reads] = "first"

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.output = nn.Linear(config.hidden, 2)
        initialise(self, config.initial_std)

    def forward(self, hidden: Hidden) -> dict[str, Tensor]:
        """`order` [B, 2], fp32."""
        return {"order": self.output(hidden.pooled.float())}
