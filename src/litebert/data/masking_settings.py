"""What a person can set about the samples of pretraining: plain data, no numpy, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from litebert.errors import UsageError, nearest

Sentences = Literal["order", "next", "none"]


@dataclass(frozen=True, kw_only=True)
class Masking:
    """How samples are made. Raises `UsageError` for a value that cannot be."""

    sentences: Sentences = "order"
    """What is to be told of two segments: whether they stand in `order` (ALBERT), or the second comes `next`
    (BERT); with `none` a sample is one segment."""
    rate: float = 0.15
    """Share of the text's pieces to guess."""
    longest: int = 3
    """Words in the longest n-gram."""
    cap: int | None = None
    """The most pieces to guess in a sample; None is as many as the rate asks for (20 with `faithful`)."""
    short: float = 0.1
    """Share of chunks that are cut to a random shorter length."""
    faithful: bool = False
    """Repeat the bugs of google-research/albert."""

    def __post_init__(self) -> None:
        if self.sentences not in get_args(Sentences):
            raise UsageError(nearest(self.sentences, get_args(Sentences), "sentence objective"))
        if not 0 < self.rate < 1 or not 0 <= self.short <= 1:
            raise UsageError(f"rate ({self.rate}) and short ({self.short}) are shares, between 0 and 1")
        if self.longest < 1 or (self.cap is not None and self.cap < 1):
            raise UsageError(f"longest ({self.longest}) and cap ({self.cap}) must be 1 or more")
