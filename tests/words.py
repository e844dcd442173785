"""A tokenizer for tests: a piece is a word, its id the place in a small vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from litebert.errors import InputError
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer


class Words(Tokenizer):
    """Words get ids from 5 in the order in which they are first met."""

    kind = "words"
    size = 1000
    pad, unknown, cls, sep, mask = range(5)

    def __init__(self) -> None:
        self.vocabulary: dict[str, int] = {}

    def encode(self, text: str) -> Pieces:
        if "\ud800" in text:
            raise InputError("a lone surrogate", code="surrogate")
        words = list(re.finditer(r"\S+", text))
        ids = [self.vocabulary.setdefault(w.group(), len(self.vocabulary) + 5) for w in words]
        return Pieces(np.array(ids, np.int32), np.array([w.span() for w in words], np.int32).reshape(-1, 2))

    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        return " ".join(self.piece(id) for id in ids if id >= 5)

    def piece(self, id: int) -> str:
        return list(self.vocabulary)[id - 5]

    def id(self, piece: str) -> int:
        return self.vocabulary.get(piece, self.unknown)

    def save(self, folder: Path) -> None:
        (folder / "words.txt").write_text("\n".join(self.vocabulary), encoding="utf-8")

    @property
    def fingerprint(self) -> str:
        return "words"
