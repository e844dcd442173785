"""Training a vocabulary: SentencePiece by ALBERT's published settings, or WordPiece as BERT has it.

A bilingual one is SentencePiece over text in both languages: the more there is of one, the more pieces it
gets. Chinese has no spaces, and left alone SentencePiece learns whole phrases of it. So words are found
first, and no Chinese piece goes over the edge of one, nor is longer than `LONGEST_HAN`; pieces for a word
that follows white space are not told from those for one that follows a character.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

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

_EDGE = "\t"
"""Stands where no piece may go on. No text in its normal form holds it."""
_NO_TEXT = "there is no text to train a vocabulary on"
_LEAST = 2
"""How often a longer WordPiece piece comes at least."""
_HAN = re.compile(f"[{HAN}]")
_LONG = re.compile(f"[{HAN}]{{{LONGEST_HAN + 1},}}")
_LONGEST_WORD = 1 << 16
"""Bytes. SentencePiece leaves longer ones out: without `cut`, a Chinese sentence is one word."""
_THREADS = 4
"""Fixed: it decides in which order numbers are added up, and so their last digits."""
_AS_ALBERT: dict[str, Any] = {
    "input_format": "tsv",
    "model_type": "unigram",
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "pad_piece": ALBERT.pad,
    "unk_piece": ALBERT.unknown,
    "control_symbols": [ALBERT.cls, ALBERT.sep, ALBERT.mask],
    "user_defined_symbols": ["(", ")", '"', "-", ".", "–", "£", "€"],
    "max_sentence_length": _LONGEST_WORD,
    "add_dummy_prefix": False,  # `marked_words` has set the marks. Encoding is as ever:
    "remove_extra_whitespaces": False,  # `spiece.write` says nothing of these two.
    "shuffle_input_sentence": False,
    "num_threads": _THREADS,
    "minloglevel": 3,
}
"""What the trainer is told each time: the pieces and their numbers as published (google-research/albert,
README, "SentencePiece")."""
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
    """A unigram vocabulary of `size` pieces, `<pad> <unk> [CLS] [SEP] [MASK]` first, as ALBERT's.

    cut: finds the words of Chinese text; None leaves SentencePiece to itself. characters: which become pieces
    however rare they are. The same text and settings give the same vocabulary.

    Raises `UsageError` if the text does not yield so many pieces, or has more characters than that.
    """
    normalize = Normalizer(do_lower_case=do_lower_case, keep_accents=keep_accents)
    words: Counter[str] = Counter()
    for sentence in sentences:
        words.update(marked_words(normalize(sentence).text, cut))
    if not any(map(str.strip, words)):
        raise UsageError(_NO_TEXT)
    model = _unigram(words, vocab_size=size, character_coverage=coverage, required_chars=characters)
    # Written anew, it says nothing of the files and the machine that it was trained with.
    clean = spiece.write(spiece.read(model))
    return SentencePieceTokenizer(clean, do_lower_case=do_lower_case, keep_accents=keep_accents)


def _unigram(words: Counter[str], *, vocab_size: int, **options: Any) -> bytes:
    """What SentencePiece learns from words with how often each comes. options: of its trainer."""
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(words),
            model_writer=model,
            vocab_size=vocab_size,
            **options,
            **_AS_ALBERT,
        )
    except RuntimeError as error:
        raise _explained(error, vocab_size) from None
    return model.getvalue()


def train_wordpiece(
    sentences: Iterable[str],
    size: int = CHINESE_SIZE,
    *,
    coverage: float = COVERAGE,
    do_lower_case: bool = True,
) -> WordPieceTokenizer:
    """A WordPiece vocabulary of at most `size` pieces: `[PAD] [UNK] [CLS] [SEP] [MASK]`, the characters by
    their codes, and the longer pieces in the order in which they were learnt, the commonest first.

    Each Chinese character is a word, as BERT has it. The same text and settings give the same vocabulary.
    Raises `UsageError` if there is no text, or more characters than pieces.
    """
    words = _words(sentences, BertNormalizer(lowercase=do_lower_case))
    alphabet = _Alphabet(words, coverage)
    specials = [BERT.pad, BERT.unknown, BERT.cls, BERT.sep, BERT.mask]
    if (needed := len(specials) + len(alphabet.pieces)) > size:
        raise _too_few(size, needed)
    learnt = _learnt(words, [*specials, *alphabet.pieces], size, alphabet)
    return WordPieceTokenizer(learnt, do_lower_case=do_lower_case)


def _words(sentences: Iterable[str], normalizer: BertNormalizer) -> Counter[str]:
    """How often each word comes, as BERT cleans and splits: by what becomes of each character."""
    apart = _Apart(normalizer)
    met: Counter[str] = Counter()
    for sentence in sentences:
        met.update(sentence.translate(apart).split())
    words: Counter[str] = Counter()
    for word, count in met.items():
        words[normalizer.normalize_str(word).strip()] += count
    del words[""]  # What is left of a word of nothing but marks.
    return words


class _Apart(dict[int, str]):
    """Code point to the character, between spaces if it is a word by itself, or to a space or nothing; worked
    out once for each."""

    def __init__(self, normalizer: BertNormalizer) -> None:
        self._normalizer, self._splitter = normalizer, BertPreTokenizer()

    def __missing__(self, code: int) -> str:
        words = self._splitter.pre_tokenize_str(self._normalizer.normalize_str(f"a{chr(code)}a"))
        is_kept = len(words) > 1 or len(words[0][0]) > 2
        self[code] = (chr(code), " ", f" {chr(code)} ")[len(words) - 1] if is_kept else ""
        return self[code]


class _Alphabet:
    """The commonest characters of the words, and as pieces: `c` where one begins a word, `##c` elsewhere."""

    def __init__(self, words: Counter[str], coverage: float) -> None:
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for character in word:
                counts[character] += count
        self.characters = _commonest(counts, coverage)
        inside = {character for word in words for character in word[1:]} & self.characters
        self.pieces = [*sorted(self.characters), *(INSIDE + character for character in sorted(inside))]


def _commonest(counts: Counter[str], coverage: float) -> set[str]:
    if not counts:
        raise UsageError(_NO_TEXT)
    kept: set[str] = set()
    left = coverage * counts.total()
    for character in sorted(counts, key=lambda character: (-counts[character], character)):
        if left <= 0:
            break
        kept.add(character)
        left -= counts[character]
    return kept


def _learnt(words: Counter[str], first: list[str], size: int, alphabet: _Alphabet) -> list[str]:
    """All pieces in order. The trainer numbers characters as it meets them, in an order drawn anew each time,
    and by the numbers it decides between pairs that are equally common: so they get theirs beforehand."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    engine = Tokenizer(models.WordPiece(unk_token=BERT.unknown))
    engine.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=_LEAST,
        special_tokens=first,
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    known = (word for word in words if alphabet.characters.issuperset(word))
    engine.train_from_iterator((" ".join(repeat(word, words[word])) for word in known), trainer)
    pieces = engine.get_vocab()
    return sorted(pieces, key=pieces.__getitem__)


def marked_words(text: str, cut: Cut | None) -> list[str]:
    """The words of a text in its normal form, over whose edges no piece goes: with a space before them where
    white space or the beginning of the text is, but for Chinese ones.

    White space says nothing about a Chinese word; and counted there too, a `▁` alone would be so common that
    English words were found as `▁` and the rest.
    """
    if not (cut and _HAN.search(text)):
        return [f" {word}" for word in text.split(" ") if word]
    words = (part for word in cut(text) for part in (word if _LONG.fullmatch(word) else [word]))
    edged = "".join(_EDGE + word if _HAN.match(word) else word for word in words)
    marked = f" {edged}".replace(f" {_EDGE}", _EDGE).replace(" ", f"{_EDGE} ")
    return [word for word in marked.split(_EDGE) if word and word != " "]


def _lines(words: Counter[str]) -> Iterator[str]:
    """Each word and how often it comes. A common one has several lines, for SentencePiece begins with what
    comes in several places, whatever their counts say."""
    for word, count in words.items():
        lines = count.bit_length()
        for line in range(lines):
            yield f"{word}\t{(count + line) // lines}"


def _explained(error: RuntimeError, size: int) -> UsageError:
    if found := _TOO_MANY.search(str(error)):
        return UsageError(
            f"the text is too little for {size:,} pieces, it yields at most {int(found[1]):,}: "
            "give more text, or a smaller --size"
        )
    if found := _TOO_FEW.search(str(error)):
        return _too_few(size, int(found[1]))
    return UsageError(f"SentencePiece cannot train on this text: {str(error).strip()}")


def _too_few(size: int, needed: int) -> UsageError:
    return UsageError(
        f"{size:,} pieces are too few: the characters of the text alone need {needed:,}; "
        "give a larger --size, or a smaller --coverage"
    )
