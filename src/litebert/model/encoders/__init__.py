"""Encoders: modules `(batch, reads) -> Hidden`, made of the bricks in `blocks.py`. One file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litebert.model.config import EncoderConfig
    from litebert.model.encoders.albert import Encoder


def encoder_of(config: EncoderConfig) -> Encoder:
    """A new encoder of the config's family."""
    from litebert.model.encoders.albert import Encoder
    from litebert.model.encoders.lstm import LSTM

    return LSTM(config) if config.family == "lstm" else Encoder(config)
