"""What is pretrained: an encoder under the heads for masked language and for two segments."""

from __future__ import annotations

from typing import Self

from torch import nn

from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.config import EncoderConfig
from litebert.model.encoders import encoder_of
from litebert.model.encoders.albert import Encoder
from litebert.model.pretraining_heads import MaskedLanguage, SentenceOrder


class PretrainingModel(nn.Module):
    """The parameters' names are those of a `Checkpoint`: the encoder's after `encoder.`, and `masked.*`,
    `order.*` of the heads."""

    def __init__(self, encoder: Encoder, *, pairs: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.masked = MaskedLanguage(encoder.config).tied_to(encoder.embeddings)
        self.order = SentenceOrder(encoder.config) if pairs else None

    @classmethod
    def of(cls, checkpoint: Checkpoint | None, config: EncoderConfig, *, pairs: bool) -> Self:
        """With a checkpoint's weights, as far as there are any; the others are drawn.

        pairs: whether there are two segments to tell something of.
        """
        model = cls(checkpoint.build() if checkpoint else encoder_of(config), pairs=pairs)
        for name in ("masked", "order") if checkpoint else ():
            head, weights = getattr(model, name), checkpoint.head(name) if checkpoint else {}
            if head is not None and weights:
                known = head.state_dict().keys()
                head.load_state_dict({n if n in known else f"output.{n}": t for n, t in weights.items()})
        return model

    def checkpoint(self) -> Checkpoint:
        """What `transformers` knows as `AlbertForPreTraining`, or `AlbertForMaskedLM` without pairs."""
        heads = {f"masked.{name}": tensor for name, tensor in self.masked.state_dict().items()}
        if self.order is not None:
            order = self.order.state_dict()
            heads |= {f"order.{name.removeprefix('output.')}": tensor for name, tensor in order.items()}
        return Checkpoint(
            config=self.encoder.config,
            encoder={name: tensor.detach() for name, tensor in self.encoder.state_dict().items()},
            heads={name: tensor.detach() for name, tensor in heads.items()},
            architecture="ForMaskedLM" if self.order is None else "ForPreTraining",
        )
