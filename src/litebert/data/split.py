"""A part of the examples split off by hash, so that it is the same in whatever order they come."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any, TypeVar

from litebert.data.example import Example, Examples
from litebert.errors import DataError

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")


def position(text: str, seed: int = 0) -> float:
    """A number from 0 to 1 that is a text's own, evenly spread."""
    digest = blake2b(f"{seed}\0{text}".encode(errors="surrogatepass"), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def split_off(
    examples: Examples[InputT, OutputT], share: float = 0.1, seed: int = 0
) -> tuple[Examples[InputT, OutputT], Examples[InputT, OutputT]]:
    """(the rest, about that share), by the hash of each example's first text.

    The same text is always on the same side, so of two alike none is trained on and the other judged by.
    Of so few that chance leaves one side empty, those with the lowest hashes are split off, one at least.
    Raises `DataError` if all have the same text.
    """
    places = [position(first_text(example), seed) for example in examples]
    different = sorted(set(places))
    if len(different) < 2:
        raise DataError(
            f"of {len(examples)} examples with one text none can be split off to judge by; give a --dev file"
        )
    if different[0] >= share or different[-1] < share:
        share = different[max(1, int(share * len(different)))]
    held = [place < share for place in places]
    rest, part = ([e for e, h in zip(examples, held, strict=True) if h is side] for side in (False, True))
    return replace(examples, rows=rest), replace(examples, rows=part)


def first_text(example: Example[Any, Any]) -> str:
    """What tells an Input from others; without any, as of a language model, what is written."""
    group: str = example.given.group or getattr(example.wanted, "text", "")
    return group
