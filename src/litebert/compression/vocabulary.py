"""Pieces that some texts never use, taken out of the vocabulary and of the word table.

Those texts fall into the same pieces as before, and their answers are the same to the bit. Others fall into
more pieces where a rare one is gone (`text/trimming.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import torch

from litebert.compression.moments import Seen
from litebert.compression.subject import Subject, table_alone
from litebert.text.trimming import trimmed

WORDS = "embeddings.words.weight"


def apply(subject: Subject, used: Collection[int], seen: Seen) -> Subject:
    """With the pieces of those ids, and those that must stay."""
    del seen
    table_alone(subject, "--vocabulary")
    found = trimmed(subject.tokenizer, used)
    words = subject.encoder[WORDS][torch.from_numpy(found.before)]
    return replace(
        subject,
        config=replace(subject.config, vocabulary=len(words)),
        encoder={**subject.encoder, WORDS: words.contiguous()},
        tokenizer=found.tokenizer,
    )


def ladder(subject: Subject) -> Iterator[Collection[int]]:
    """None of itself: which texts it will read, a person knows."""
    del subject
    yield from ()
