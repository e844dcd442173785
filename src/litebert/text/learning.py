"""A vocabulary learnt from texts: SentencePiece's unigram model, in cased, exact pieces.

The special pieces have fixed places, so that a decoder knows where to begin and when to end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import islice

from litebert.errors import DataError
from litebert.text import spiece
from litebert.text.sentencepiece import ALBERT, SentencePieceTokenizer

Vocabulary = tuple[tuple[str, float], ...]
"""Pieces with their scores (logarithms of probabilities), in the order of their ids."""

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
"""The ids of the special pieces; `[CLS]` begins what is written, and `[SEP]` ends it."""
_FRAME = (ALBERT.pad, ALBERT.unknown, ALBERT.cls, ALBERT.sep, ALBERT.mask)
_KINDS = (spiece.CONTROL, spiece.UNKNOWN, spiece.CONTROL, spiece.CONTROL, spiece.CONTROL)

MOST_TEXTS = 200_000
"""Texts that are looked at."""
_SPARE = 200
"""Pieces beside single characters that a vocabulary has room for at the least."""


def learn(texts: Iterable[str], size: int) -> Vocabulary:
    """About `size` pieces, fewer if the texts have no more, that together write every character of them.

    Texts are in the form of `exact.shown`. The same texts in the same order give the same pieces. Raises
    `DataError` if there is nothing to learn from.
    """
    import sentencepiece

    held = [text for text in islice(texts, MOST_TEXTS) if text]
    characters = set().union(*held)
    if not characters - {" "}:
        raise DataError("there is no text to learn a vocabulary from")
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(held),
        model_writer=model,
        vocab_size=max(size, len(characters) + len(_FRAME) + _SPARE),
        hard_vocab_limit=False,
        model_type="unigram",
        normalization_rule_name="identity",
        character_coverage=1.0,
        max_sentence_length=1 << 16,
        pad_id=PAD,
        unk_id=UNKNOWN,
        bos_id=-1,
        eos_id=-1,
        control_symbols=list(_FRAME[2:]),
        num_threads=1,
        minloglevel=2,
    )
    found = spiece.read(model.getvalue())
    return tuple((piece, round(score, 4)) for piece, score in zip(found.pieces, found.scores, strict=True))


def tokenizer_of(vocabulary: Sequence[tuple[str, float]]) -> SentencePieceTokenizer:
    """The tokenizer that a vocabulary makes. Raises `ModelError` for one that `learn` did not give."""
    pieces, scores = zip(*vocabulary, strict=True)
    kinds = (*_KINDS, *(spiece.NORMAL for _ in pieces[len(_KINDS) :]))
    data = spiece.write(spiece.Spiece(pieces=pieces, scores=scores, kinds=kinds, charsmap=b""))
    return SentencePieceTokenizer(data, do_lower_case=False, keep_accents=True)
