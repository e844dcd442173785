"""The tokenizer as the rest of the house sees it; `sentencepiece.py` and `wordpiece.py` are the two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from litebert.errors import InputError, ModelError
from litebert.text.pieces import Pieces


@dataclass(frozen=True, slots=True)
class Specials:
    """The five special pieces, as the vocabulary writes them. No text ever becomes one of them."""

    cls: str = "[CLS]"
    sep: str = "[SEP]"
    pad: str = "[PAD]"
    mask: str = "[MASK]"
    unknown: str = "[UNK]"

    def ids(self, vocabulary: dict[str, int]) -> tuple[int, int, int, int, int]:
        """Their ids: cls, sep, pad, mask, unknown. Raises `ModelError` for one that is missing."""
        pieces = (self.cls, self.sep, self.pad, self.mask, self.unknown)
        missing = [piece for piece in pieces if piece not in vocabulary]
        if missing:
            raise ModelError(
                f"the vocabulary has no {' and no '.join(missing)}; ALBERT and BERT need five special pieces:"
                f" {' '.join(pieces)}"
            )
        cls, sep, pad, mask, unknown = (vocabulary[piece] for piece in pieces)
        return cls, sep, pad, mask, unknown


class Tokenizer(ABC):
    """Text to pieces and back. Immutable; safe to share between threads and to fork.

    What a person types is text: `[SEP]` in a text never becomes the special piece.
    """

    kind: str
    """`sentencepiece` or `wordpiece`."""
    size: int
    """How many pieces the vocabulary holds."""
    specials: Specials
    """The special pieces as written; their ids follow."""
    cls: int
    sep: int
    pad: int
    mask: int
    unknown: int

    @abstractmethod
    def encode(self, text: str) -> Pieces:
        """The pieces of `text` with their spans in it.

        A span holds the characters that the piece stands for: no white space before them, but the accents
        that normalising took off them. Starts never go backwards. Pieces that one character was taken apart
        into (`½`) have its span each. A piece that stands for white space alone (a lone `▁`) has an empty
        span, `start == end`, where the text goes on.

        Raises `InputError` for a lone surrogate (its place is named; code `surrogate`) and for a text over
        the size limit (code `too_long`; checked before any expansion).
        """

    @abstractmethod
    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        """`[self.encode(text) for text in texts]`, faster; raises for the first that cannot be encoded."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """Readable text of ids; special pieces are left out. Raises `InputError` for an id out of range."""

    @abstractmethod
    def piece(self, id: int) -> str:
        """The piece of an id, as the vocabulary writes it. Raises `InputError` for an id out of range."""

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

    def _check_id(self, id: int) -> int:
        if not 0 <= id < self.size:
            raise InputError(f"there is no piece {id}; the ids are 0 to {self.size - 1}", code="id")
        return id
