"""transformers' ALBERT in our shapes. Imported late, so that litebert's own processes do not hold it."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AlbertConfig

from litebert.model.checkpoints.huggingface_config import config_to_huggingface
from litebert.model.config import EncoderConfig


def albert(kind: type[Any], config: EncoderConfig, seed: int, labels: int = 2) -> Any:
    """A model of a class of theirs, such as `AlbertForPreTraining`, with new weights, ready to train."""
    keys = config_to_huggingface(config, "Model")
    own = AlbertConfig(**{k: v for k, v in keys.items() if k not in ("architectures", "model_type")})
    own.num_labels = labels
    torch.manual_seed(seed)
    return kind(own).train()
