"""A tokenizer with fewer pieces, which reads what it was trimmed to as it did.

Pieces that the texts use are kept, so these texts fall into the same pieces: a WordPiece tokenizer takes the
longest piece that it has, a unigram model the likeliest, and what went was neither. Pieces of one character
are kept too, so that no text has unknown characters that had none: other texts fall into more pieces. And
what decides without being seen: special pieces, those that a comma rule takes apart, and the least likely
one, by which the library prices the unknown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.text import spiece
from litebert.text.sentencepiece import MARK, SentencePieceTokenizer
from litebert.text.tokenizer import Tokenizer
from litebert.text.wordpiece import INSIDE, WordPieceTokenizer


@dataclass(frozen=True, eq=False)
class Trimmed:
    """The tokenizer, and for each of its ids the one that the piece had before, int64."""

    tokenizer: Tokenizer
    before: NDArray[np.int64]


def trimmed(tokenizer: Tokenizer, used: Collection[int]) -> Trimmed:
    """With the pieces that are used, and those that must stay. Raises `ModelError` for a kind of tokenizer
    whose pieces cannot be taken out."""
    if isinstance(tokenizer, WordPieceTokenizer):
        return _wordpiece(tokenizer, used)
    if isinstance(tokenizer, SentencePieceTokenizer):
        return _sentencepiece(tokenizer, used)
    raise ModelError(f"a vocabulary of the kind {tokenizer.kind} cannot be trimmed")


def _wordpiece(tokenizer: WordPieceTokenizer, used: Collection[int]) -> Trimmed:
    kept = {*used, *_specials(tokenizer)}
    kept |= {i for i, piece in enumerate(tokenizer.vocabulary) if len(piece.removeprefix(INSIDE)) == 1}
    before = sorted(kept)
    smaller = WordPieceTokenizer(
        [tokenizer.vocabulary[id] for id in before],
        do_lower_case=tokenizer.do_lower_case,
        strip_accents=tokenizer.strip_accents,
        tokenize_chinese_chars=tokenizer.tokenize_chinese_chars,
        longest_word=tokenizer.longest_word,
        specials=tokenizer.specials,
    )
    return Trimmed(smaller, np.array(before))


def _sentencepiece(tokenizer: SentencePieceTokenizer, used: Collection[int]) -> Trimmed:
    vocabulary = tokenizer.vocabulary
    rows = zip(vocabulary.pieces, vocabulary.kinds, strict=True)
    kept = {*used, *_specials(tokenizer), int(np.argmin(vocabulary.scores))}
    kept |= {
        id
        for id, (piece, kind) in enumerate(rows)
        if kind != spiece.NORMAL or len(piece.removeprefix(MARK)) <= 1 or spiece.ends_in_digit_comma(piece)
    }
    smaller = SentencePieceTokenizer(
        spiece.only(tokenizer.model, kept),
        do_lower_case=tokenizer.do_lower_case,
        keep_accents=tokenizer.keep_accents,
        specials=tokenizer.specials,
    )
    return Trimmed(smaller, np.array(sorted(kept)))


def _specials(tokenizer: Tokenizer) -> set[int]:
    return {tokenizer.cls, tokenizer.sep, tokenizer.pad, tokenizer.mask, tokenizer.unknown}
