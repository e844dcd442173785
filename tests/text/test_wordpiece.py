"""The Chinese tokenizer against Hugging Face's BERT, and its spans against the text."""

from __future__ import annotations

import gzip
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_oracles import HARD, texts
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from litebert.errors import InputError, ModelError
from litebert.text.wordpiece import BERT, WordPieceTokenizer
from small_tokenizers import WORDS

OPTIONS: list[dict[str, Any]] = [
    {},
    {"do_lower_case": False},
    {"do_lower_case": False, "strip_accents": True},
    {"strip_accents": False},
    {"tokenize_chinese_chars": False},
    {"longest_word": 4},
]


@cache
def judge_of(tokenizer: WordPieceTokenizer) -> Any:
    """Hugging Face's pipeline, which knows of no special pieces: to it `[SEP]` is text."""
    vocabulary = {piece: id for id, piece in enumerate(tokenizer.vocabulary)}
    judge = Tokenizer(
        models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=tokenizer.longest_word)
    )
    judge.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenizer.tokenize_chinese_chars,
        strip_accents=tokenizer.strip_accents,
        lowercase=tokenizer.do_lower_case,
    )
    judge.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return judge


def assert_judged_right(tokenizer: WordPieceTokenizer, judge: Any, some: list[str]) -> None:
    for text, pieces in zip(some, tokenizer.encode_many(some), strict=True):
        assert pieces.ids.tolist() == judge.encode(text).ids, ascii(text)


def assert_sound_spans(tokenizer: WordPieceTokenizer, judge: Any, text: str) -> None:
    """Each span holds what its piece stands for, in order; what is outside all of them is no text."""

    def form(part: str) -> str:
        form: str = judge.normalizer.normalize_str(part)
        return form.strip()

    pieces = tokenizer.encode(text)
    spans = pieces.spans.tolist()
    assert spans == sorted(spans)
    covered = {place for start, end in spans for place in range(start, end)}
    for id, (start, end) in zip(pieces.ids.tolist(), spans, strict=True):
        assert 0 <= start < end <= len(text)
        if id == tokenizer.unknown:
            assert form(text[start:end])
        elif spans.count([start, end]) == 1:
            assert form(text[start:end]) == tokenizer.piece(id).removeprefix("##"), ascii(text)
        else:  # A character that was taken apart.
            assert tokenizer.piece(id).removeprefix("##") in form(text[start:end]), ascii(text)
    for place, character in enumerate(text):
        assert place in covered or not form(character), (ascii(text), ascii(character))


@pytest.mark.parametrize("options", OPTIONS)
def test_hard_texts_are_judged_right(options: dict[str, Any]) -> None:
    tokenizer = WordPieceTokenizer(WORDS, **options)
    judge = judge_of(tokenizer)
    assert_judged_right(tokenizer, judge, HARD)
    for text in HARD:
        assert_sound_spans(tokenizer, judge, text)


@settings(max_examples=100, deadline=None)
@given(text=texts, tokenizer=st.sampled_from([WordPieceTokenizer(WORDS, **options) for options in OPTIONS]))
def test_any_text_is_judged_right(text: str, tokenizer: WordPieceTokenizer) -> None:
    judge = judge_of(tokenizer)
    assert_judged_right(tokenizer, judge, [text])
    assert_sound_spans(tokenizer, judge, text)


@settings(max_examples=60, deadline=None)
@given(many=st.lists(texts, max_size=12))
def test_many_texts_are_each_text(chinese: WordPieceTokenizer, many: list[str]) -> None:
    for text, pieces in zip(many, chinese.encode_many(many), strict=True):
        alone = chinese.encode(text)
        assert pieces.ids.tolist() == alone.ids.tolist()
        assert pieces.spans.tolist() == alone.spans.tolist()


def test_every_kind_of_character(chinese: WordPieceTokenizer) -> None:
    """All characters with an odd category, and some of the others, alone, in a word and beside a mark."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    odd = [
        c for c in characters[:0x20000] if unicodedata.category(c)[0] in "MZ" or unicodedata.decomposition(c)
    ]
    judge = judge_of(chinese)
    assert_judged_right(chinese, judge, [f"a{c}b {c} {c}c\u0301{c}" for c in odd[::4] + characters[::401]])


def test_spans_of_a_worked_text(published_chinese: WordPieceTokenizer) -> None:
    text = "我爱 Cafe\u0301s，2008年！\x00 unaﬀable x"
    pieces = published_chinese.encode(text)
    found = [
        (published_chinese.piece(id), text[start:end])
        for id, (start, end) in zip(pieces.ids.tolist(), pieces.spans.tolist(), strict=True)
    ]
    assert found[:8] == [
        ("我", "我"),
        ("爱", "爱"),
        ("cafe", "Cafe\u0301"),
        ("##s", "s"),
        ("，", "，"),
        ("2008", "2008"),
        ("年", "年"),
        ("！", "！"),
    ]


def test_marks_belong_to_the_character_before(chinese: WordPieceTokenizer) -> None:
    assert chinese.encode("e\u0301\u0301 中\u0301.").spans.tolist() == [[0, 3], [4, 6], [6, 7]]


def test_what_a_person_types_is_text(chinese: WordPieceTokenizer) -> None:
    special = {chinese.cls, chinese.sep, chinese.pad, chinese.mask}
    pieces = chinese.encode("[SEP] [CLS]我[MASK] [PAD]")
    assert not special & set(pieces.ids.tolist())
    assert [chinese.piece(id) for id in chinese.encode("[SEP]").ids.tolist()] == ["[", "sep", "]"]


def test_transformers_agrees(chinese: WordPieceTokenizer) -> None:
    from transformers import BertTokenizer

    theirs = BertTokenizer(vocab={piece: id for id, piece in enumerate(WORDS)})
    some = [text for text in HARD if "[" not in text]
    for text, pieces in zip(some, chinese.encode_many(some), strict=True):
        assert pieces.ids.tolist() == theirs(text, add_special_tokens=False)["input_ids"], ascii(text)


def test_a_long_word_is_one_unknown_piece(chinese: WordPieceTokenizer) -> None:
    known = "".join(["a"] * 100)
    assert len(chinese.encode(known)) == 100
    longer = chinese.encode(f" {known}a ")
    assert longer.ids.tolist() == [chinese.unknown]
    assert longer.spans.tolist() == [[1, 102]]


def test_words_are_forgotten_not_hoarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litebert.text.wordpiece.REMEMBERED", 10)
    tokenizer = WordPieceTokenizer(WORDS)
    text = " ".join(f"a{number}" for number in range(50))
    assert tokenizer.encode(text).ids.tolist() == judge_of(tokenizer).encode(text).ids
    assert len(tokenizer._words) <= 10


def test_lone_surrogates_are_named(chinese: WordPieceTokenizer) -> None:
    with pytest.raises(InputError, match="character 2 is a lone surrogate") as caught:
        chinese.encode_many(["我", "我爱\ud800"])
    assert caught.value.code == "surrogate"


def test_ids_and_pieces_lead_to_each_other(chinese: WordPieceTokenizer) -> None:
    assert (chinese.pad, chinese.unknown, chinese.cls, chinese.sep, chinese.mask) == (0, 1, 2, 3, 4)
    assert chinese.specials == BERT
    assert chinese.size == len(WORDS)
    assert all(chinese.id(chinese.piece(id)) == id for id in range(chinese.size))
    assert chinese.id("no such piece") == chinese.unknown
    with pytest.raises(InputError, match=f"no piece {chinese.size}"):
        chinese.piece(chinese.size)


def test_decoding_sets_spaces_between_words_alone(chinese: WordPieceTokenizer) -> None:
    ids = chinese.encode("我爱北京，hello ungoodable world。").ids.tolist()
    assert chinese.decode([chinese.cls, *ids, chinese.sep]) == "我爱北京， hello ungoodable world 。"
    assert chinese.decode([]) == ""


def test_pieces_cannot_be_written_to(chinese: WordPieceTokenizer) -> None:
    pieces = chinese.encode("我爱 hello")
    assert pieces.ids.dtype == pieces.spans.dtype == np.int32
    for array in (pieces.ids, pieces.spans):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_fingerprints_tell_what_decides_ids() -> None:
    same = {WordPieceTokenizer(WORDS, strip_accents=strip).fingerprint for strip in (None, True)}
    others = {WordPieceTokenizer(WORDS, **options).fingerprint for options in OPTIONS[1:]}
    assert len(same) == 1
    assert len(same | others | {WordPieceTokenizer([*WORDS, "more"]).fingerprint}) == len(OPTIONS) + 1


def test_threads_share_a_tokenizer(chinese: WordPieceTokenizer) -> None:
    shared = WordPieceTokenizer(WORDS)
    alone = [pieces.ids.tolist() for pieces in chinese.encode_many(HARD)]
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(shared.encode_many, [HARD] * 24):
            assert [pieces.ids.tolist() for pieces in together] == alone


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ([], r"no \[CLS\]"),
        ([piece for piece in WORDS if piece != "[MASK]"], r"no \[MASK\]"),
        ([*WORDS, "我"], "piece .* is '我', and so is piece"),
        ([*WORDS, ""], "has 0 characters"),
        ([*WORDS, "a" * 300], "has 300 characters"),
        ([*WORDS, "\ud800"], "lone surrogate"),
    ],
)
def test_unsound_vocabularies_are_refused(vocabulary: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        WordPieceTokenizer(vocabulary)


@pytest.mark.parametrize(
    "name",
    ["chnsenticorp_zh/train.tsv.gz", "wiki_zh/AA_wiki_02.txt.gz", "wiki_en_featured/AA_wiki_02.txt.gz"],
)
def test_real_lines_are_judged_right(
    published_chinese: WordPieceTokenizer, data_folder: Path, name: str
) -> None:
    judge = judge_of(published_chinese)
    with gzip.open(data_folder / name, "rt", encoding="utf-8") as lines:
        some = [line for line, _ in zip(lines, range(800), strict=False)]
    assert_judged_right(published_chinese, judge, some)
    for text in some[:60]:
        assert_sound_spans(published_chinese, judge, text)


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_any_text_with_the_published_vocabulary(published_chinese: WordPieceTokenizer, text: str) -> None:
    judge = judge_of(published_chinese)
    assert_judged_right(published_chinese, judge, [text])
    assert_sound_spans(published_chinese, judge, text)
