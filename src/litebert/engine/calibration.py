"""Making a model ready to answer in int8: how far its states reach, watched on texts that come with it.

The reviews in the package are read, in both languages, alone, in pairs and as one long text. They are the
same every time, so a model answers the same every time, whatever it is asked first. Only the largest and the
smallest numbers count, and the norms keep those alike from text to text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from litebert.embedded import FOLDER
from litebert.model.eight_bits import Ranges
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack
from litebert.text.encoding import Encoding, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

TEXTS = 16
"""Of each language."""
LONG = 256
"""Pieces of the long text, where the model reads so many."""


def calibrate(encoder: Encoder, tokenizer: Tokenizer) -> None:
    """Has the encoder watch what reaches its matrices, so that it can then run in int8."""
    ranges = Ranges()
    dtype, encoder.ranges, encoder.dtype = encoder.dtype, ranges, torch.int8
    training = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode():
            encoder(pack(sorted(_sample(tokenizer, encoder.config.positions), key=len)))
    finally:
        encoder.dtype = dtype
        encoder.train(training)
    ranges.watching = False


def _sample(tokenizer: Tokenizer, limit: int) -> Iterator[Encoding]:
    texts = tokenizer.encode_many([text for language in ("en", "zh") for text in _texts(language)])
    yield from (_one(tokenizer, text, None, limit) for text in texts)
    yield from (_one(tokenizer, a, b, limit) for a, b in zip(texts[::8], texts[4::8], strict=True))
    together = Pieces(*(np.concatenate([getattr(text, part) for text in texts]) for part in ("ids", "spans")))
    yield _one(tokenizer, together, None, min(limit, LONG))


def _one(tokenizer: Tokenizer, first: Pieces, second: Pieces | None, limit: int) -> Encoding:
    return join(tokenizer, first, second, limit=limit)[0]


def _texts(language: str) -> Iterator[str]:
    path: Path = FOLDER / "reviews" / f"{language}.train.jsonl"
    with path.open(encoding="utf-8") as lines:
        for line in islice(lines, TEXTS):
            yield json.loads(line)["text"]
