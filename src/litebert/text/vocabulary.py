"""Training a vocabulary: SentencePiece by ALBERT's published settings, or WordPiece as BERT has it.

A bilingual one is SentencePiece over text in both languages: the more there is of one, the more pieces it
gets. Chinese has no spaces, and left alone SentencePiece learns whole phrases of it. So words are found
first, and no Chinese piece goes over the edge of one, nor is longer than `LONGEST_HAN`; pieces for a word
that follows white space are not told from those for one that follows a character.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator

from litebert.errors import UsageError
from litebert.text import spiece
from litebert.text.han import HAN
from litebert.text.normalize import Normalizer
from litebert.text.sentencepiece import ALBERT, SentencePieceTokenizer
from litebert.text.wordpiece import BERT, INSIDE, WordPieceTokenizer

COVERAGE = 0.99995
"""How much of the text the characters must cover that become pieces."""
LONGEST_HAN = 4
"""Chinese characters of a piece."""
ENGLISH_SIZE, CHINESE_SIZE = 30_000, 21_128
"""Pieces of the published vocabularies."""

Cut = Callable[[str], list[str]]
"""A text into words that together are the text."""

_SYMBOLS = ("(", ")", '"', "-", ".", "–", "£", "€")
_EDGE = "\ue000"
"""A character for private use, which stands where no piece may go on."""
_HAN = re.compile(f"[{HAN}]")
_LONG = re.compile(f"[{HAN}]{{{LONGEST_HAN + 1},}}")
_LONGEST_SENTENCE = 1 << 16
"""Bytes. SentencePiece leaves longer ones out; its default, 4,192, is short for Chinese with its edges."""
_MOST_SENTENCES = 10_000_000
"""The first are taken: SentencePiece draws its shuffle anew each time."""
_THREADS = 4
"""Fixed: it decides in which order numbers are added up, and so their last digits."""
_TOO_MANY = re.compile(r"Vocabulary size too high .* <= (\d+)")
_TOO_FEW = re.compile(r"Vocabulary size is smaller than required_chars\. \d+ vs (\d+)")


def train_sentencepiece(
    sentences: Iterable[str],
    size: int = ENGLISH_SIZE,
    *,
    cut: Cut | None = None,
    characters: str = "",
    coverage: float = COVERAGE,
    do_lower_case: bool = True,
    keep_accents: bool = False,
) -> SentencePieceTokenizer:
    """A unigram vocabulary of `size` pieces, `<pad> <unk> [CLS] [SEP] [MASK]` first (google-research/albert,
    README, "SentencePiece").

    cut: finds the words of Chinese text; None leaves SentencePiece to itself. characters: which become pieces
    however rare they are. The same text and settings give the same vocabulary.

    Raises `UsageError` if the text does not yield so many pieces, or has more characters than that.
    """
    import sentencepiece

    normalize = Normalizer(do_lower_case=do_lower_case, keep_accents=keep_accents)
    plain = (normalize(sentence.replace(_EDGE, "")).text for sentence in sentences)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_said(with_edges(text, cut) if cut else text for text in plain),
            model_writer=model,
            model_type="unigram",
            vocab_size=size,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            pad_piece=ALBERT.pad,
            unk_piece=ALBERT.unknown,
            control_symbols=[ALBERT.cls, ALBERT.sep, ALBERT.mask],
            user_defined_symbols=list(_SYMBOLS),
            character_coverage=coverage,
            required_chars=characters,
            pretokenization_delimiter=_EDGE if cut else "",
            max_sentence_length=_LONGEST_SENTENCE,
            input_sentence_size=_MOST_SENTENCES,
            shuffle_input_sentence=False,
            num_threads=_THREADS,
            minloglevel=3,
        )
    except RuntimeError as error:
        raise _explained(error, size) from None
    # Written anew, it says nothing of the files and the machine that it was trained with.
    clean = spiece.write(spiece.read(model.getvalue()))
    return SentencePieceTokenizer(clean, do_lower_case=do_lower_case, keep_accents=keep_accents)


def train_wordpiece(
    sentences: Iterable[str],
    size: int = CHINESE_SIZE,
    *,
    do_lower_case: bool = True,
    least: int = 2,
) -> WordPieceTokenizer:
    """A WordPiece vocabulary of at most `size` pieces, `[PAD] [UNK] [CLS] [SEP] [MASK]` first: characters by
    how often they come, then the longer pieces. Each Chinese character is a word.

    least: how often a piece comes at least. Raises `UsageError` if there is no text.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    specials = [BERT.pad, BERT.unknown, BERT.cls, BERT.sep, BERT.mask]
    engine = Tokenizer(models.WordPiece(unk_token=BERT.unknown))
    engine.normalizer = normalizers.BertNormalizer(lowercase=do_lower_case)
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=least,
        special_tokens=specials,
        limit_alphabet=max(size - len(specials), 1),
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    engine.train_from_iterator(_said(sentences), trainer)
    pieces = engine.get_vocab()
    return WordPieceTokenizer(sorted(pieces, key=pieces.__getitem__), do_lower_case=do_lower_case)


def with_edges(text: str, cut: Cut) -> str:
    """An edge before each Chinese word, and between the characters of one that is too long for a piece."""
    if not _HAN.search(text):
        return text
    words = (part for word in cut(text) for part in (word if _LONG.fullmatch(word) else [word]))
    return "".join(_EDGE + word if _HAN.match(word) else word for word in words)


def _said(sentences: Iterable[str]) -> Iterator[str]:
    """The sentences. Raises `UsageError` if there are none."""
    count = 0
    for sentence in sentences:
        count += 1
        yield sentence
    if not count:
        raise UsageError("there is no text to train a vocabulary on")


def _explained(error: RuntimeError, size: int) -> UsageError:
    if found := _TOO_MANY.search(str(error)):
        return UsageError(
            f"the text is too little for {size:,} pieces, it yields at most {int(found[1]):,}: "
            "give more text, or a smaller --size"
        )
    if found := _TOO_FEW.search(str(error)):
        return UsageError(
            f"{size:,} pieces are too few: the text has {int(found[1]):,} characters that must be pieces; "
            "give a larger --size"
        )
    return UsageError(f"SentencePiece cannot train on this text: {str(error).strip()}")
