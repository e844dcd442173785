"""The tokenizer as the rest of the house sees it; `sentencepiece.py` and `wordpiece.py` are the two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

from litebert.text.encoding import Pieces


class Tokenizer(ABC):
    """Text to pieces and back. Immutable; safe to share between threads and to fork.

    What a person types is text: `[SEP]` in a text never becomes the special piece.
    """

    kind: str
    """`sentencepiece` or `wordpiece`."""
    size: int
    """How many pieces the vocabulary holds."""
    cls: int
    sep: int
    pad: int
    mask: int
    unknown: int

    @abstractmethod
    def encode(self, text: str) -> Pieces:
        """The pieces of `text` with their spans in it.

        Raises `InputError` for a lone surrogate (its place is named) and for a text over the size limit
        (checked before any expansion).
        """

    @abstractmethod
    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        """`[self.encode(text) for text in texts]`, faster."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """Readable text of ids; special pieces are left out."""

    @abstractmethod
    def piece(self, id: int) -> str:
        """The piece of an id, as the vocabulary writes it."""

    @abstractmethod
    def id(self, piece: str) -> int:
        """The id of a piece, as the vocabulary writes it; `unknown` if there is none."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the files by which `load` here, and `transformers`, open this tokenizer again."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of all that decides the ids."""
