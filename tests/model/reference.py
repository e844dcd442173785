"""Small encoders, batches of them, and the same batches as `transformers` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.config import EncoderConfig
from litebert.model.encoders.albert import Encoder
from litebert.text.encoding import Encoding

LENGTHS = (1, 70, 3, 16, 17, 40, 2, 33)
SMALL = EncoderConfig(
    vocabulary=60,
    embedding=16,
    hidden=24,
    heads=3,
    intermediate=40,
    attention=(0,) * 4,
    feedforward=(0,) * 4,
    positions=80,
)


def small(**changes: Any) -> EncoderConfig:
    return replace(SMALL, **changes)


def lively(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every weight far from its start, norms and biases too, so that none could be left out unseen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.2 * noise if parameter.dim() > 1 else parameter + 0.2 * noise)
    return module


def encoder(config: EncoderConfig, seed: int = 0) -> Encoder:
    made = Encoder(config).eval()
    lively(made, seed)
    return made


def checkpoint(config: EncoderConfig, **more: Any) -> Checkpoint:
    return Checkpoint(config, encoder(config).state_dict(), **more)


def encodings(lengths: Sequence[int] = LENGTHS, vocabulary: int = 60, seed: int = 0) -> list[Encoding]:
    rng = np.random.default_rng(seed)
    return [
        Encoding(
            rng.integers(0, vocabulary, n).astype(np.int32),
            (np.arange(n) > n // 2).astype(np.int8),
            np.full((n, 2), -1, np.int32),
        )
        for n in lengths
    ]


def padded(given: Sequence[Encoding]) -> dict[str, Tensor]:
    """What `transformers` takes: [B, W] with padding."""
    shape = len(given), max(len(e.ids) for e in given)
    names = ("input_ids", "token_type_ids", "attention_mask")
    out = {name: torch.zeros(shape, dtype=torch.long) for name in names}
    for row, e in enumerate(given):
        n = len(e.ids)
        out["input_ids"][row, :n] = torch.from_numpy(e.ids.astype(np.int64))
        out["token_type_ids"][row, :n] = torch.from_numpy(e.segments.astype(np.int64))
        out["attention_mask"][row, :n] = 1
    return out


def far(one: Tensor, other: Tensor) -> float:
    """The largest difference."""
    assert one.shape == other.shape
    return float((one.detach() - other.detach()).abs().max())
