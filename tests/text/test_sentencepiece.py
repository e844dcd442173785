"""The English tokenizer against the published rules, and its spans against the text."""

from __future__ import annotations

import gzip
import json
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from text_oracles import HARD, official_ids, official_pieces, official_text, texts

from litebert.errors import InputError, ModelError
from litebert.text import spiece
from litebert.text.normalize import Normalizer
from litebert.text.sentencepiece import ALBERT, SentencePieceTokenizer
from small_tokenizers import train

OPTIONS = [(True, False), (True, True), (False, False), (False, True)]
"""Lower case; keep accents."""


def processor_of(tokenizer: SentencePieceTokenizer) -> Any:
    return _load(tokenizer.model)


@cache
def _load(model: bytes) -> Any:
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def assert_official(tokenizer: SentencePieceTokenizer, processor: Any, some: list[str]) -> None:
    lower, accents = tokenizer.do_lower_case, tokenizer.keep_accents
    for text, pieces in zip(some, tokenizer.encode_many(some), strict=True):
        wanted = official_ids(processor, text, lower=lower, keep_accents=accents)
        assert pieces.ids.tolist() == wanted, ascii(text)


def assert_sound_spans(tokenizer: SentencePieceTokenizer, processor: Any, text: str) -> None:
    """Each span holds what its piece stands for, and marks, in order; nothing else is left outside."""

    def surface(part: str) -> str:
        plain = official_text(part, lower=tokenizer.do_lower_case, keep_accents=tokenizer.keep_accents)
        form: str = processor.Normalize(plain)
        return form.strip("▁").replace("ς", "σ")  # Where a word ends decides which sigma.

    options = {"lower": tokenizer.do_lower_case, "keep_accents": tokenizer.keep_accents}
    spans = tokenizer.encode(text).spans.tolist()
    covered = np.zeros(len(text), bool)
    shared = np.zeros(len(text) + 1, int)
    for start, end in spans:
        covered[start:end] = True
        shared[start:end] += 1
    assert spans == sorted(spans, key=lambda span: span[0])
    filled = [span for span in spans if span[0] < span[1]]
    assert filled == sorted(filled, key=lambda span: span[1])
    for (start, end), piece in zip(spans, official_pieces(processor, text, **options), strict=True):
        name = piece.strip("▁").replace("ς", "σ")
        assert 0 <= start <= end <= len(text)
        assert (start < end) == bool(name), (ascii(text), ascii(piece), start, end)
        part = text[start:end]
        assert not any(character.isspace() for character in part)
        if (shared[start:end] > 1).any():
            assert name in surface(part), (ascii(text), ascii(piece), ascii(part))
        elif name:
            assert surface(part) == name, (ascii(text), ascii(piece), ascii(part))
    for character, is_covered in zip(text, covered.tolist(), strict=True):
        assert is_covered or not surface(character), (ascii(text), ascii(character))


@pytest.mark.parametrize(("lower", "accents"), OPTIONS)
def test_hard_texts_give_the_official_ids(spiece_model: bytes, lower: bool, accents: bool) -> None:
    tokenizer = SentencePieceTokenizer(spiece_model, do_lower_case=lower, keep_accents=accents)
    processor = processor_of(tokenizer)
    assert_official(tokenizer, processor, HARD)
    for text in HARD:
        assert_sound_spans(tokenizer, processor, text)


def test_the_small_model_has_pieces_for_the_comma_rule(english: SentencePieceTokenizer) -> None:
    """Else the tests above would say nothing of it."""
    ruled = [piece for piece in english.vocabulary.pieces if spiece.ends_in_digit_comma(piece)]
    assert any(piece.startswith("▁") for piece in ruled)
    assert any(not piece.startswith("▁") for piece in ruled)


@settings(max_examples=120, deadline=None)
@given(text=texts)
def test_any_text_gives_the_official_ids(english: SentencePieceTokenizer, text: str) -> None:
    processor = processor_of(english)
    assert_official(english, processor, [text])
    assert_sound_spans(english, processor, text)


@settings(max_examples=100, deadline=None)
@given(text=texts, options=st.sampled_from(OPTIONS))
def test_any_text_in_other_settings(spiece_model: bytes, text: str, options: tuple[bool, bool]) -> None:
    tokenizer = SentencePieceTokenizer(spiece_model, do_lower_case=options[0], keep_accents=options[1])
    processor = processor_of(tokenizer)
    assert_official(tokenizer, processor, [text])
    assert_sound_spans(tokenizer, processor, text)


@settings(max_examples=50, deadline=None)
@given(many=st.lists(texts, max_size=12))
def test_many_texts_are_each_text(english: SentencePieceTokenizer, many: list[str]) -> None:
    for text, pieces in zip(many, english.encode_many(many), strict=True):
        alone = english.encode(text)
        assert pieces.ids.tolist() == alone.ids.tolist()
        assert pieces.spans.tolist() == alone.spans.tolist()


def test_what_a_person_types_is_text(spiece_model: bytes) -> None:
    """In a cased model no character of `[SEP]` is known: the unknown run spells a special piece's name."""
    tokenizer = SentencePieceTokenizer(spiece_model, do_lower_case=False)
    special = [tokenizer.cls, tokenizer.sep, tokenizer.pad, tokenizer.mask]
    for text in ("[SEP]", "a [CLS]b", "[MASK]", "<pad>", "x[SEP],"):
        assert not set(tokenizer.encode(text).ids.tolist()) & set(special)
        assert tokenizer.encode(text).spans[-1, 1] == len(text)


def test_a_model_that_finds_special_pieces_in_texts_is_stopped_from_it() -> None:
    model = train(control_symbols=["[CLS]"], user_defined_symbols=["[SEP]", "[MASK]", "("])
    found = sentencepiece.SentencePieceProcessor(model_proto=model)
    tokenizer = SentencePieceTokenizer(model, do_lower_case=False)
    assert tokenizer.sep in found.Encode("the [SEP] fox")
    assert tokenizer.sep not in tokenizer.encode("the [SEP] fox").ids
    assert tokenizer.encode("the (fox").ids.tolist() == found.Encode("the (fox")
    assert tokenizer.fingerprint == SentencePieceTokenizer(tokenizer.model, do_lower_case=False).fingerprint


def test_spans_through_every_change(english: SentencePieceTokenizer) -> None:
    text = "  Cafe\u0301,\t THE\u00a0ﬁlm 2004, "
    spans = english.encode(text).spans.tolist()
    covered = {place for start, end in spans for place in range(start, end)}
    assert "".join(text[place] for place in sorted(covered)) == "Cafe\u0301,THEﬁlm2004,"
    assert text[slice(*spans[-1])] == ","


def test_a_lone_mark_is_empty_where_the_text_goes_on(english: SentencePieceTokenizer) -> None:
    pieces = english.encode("the  \u6f22")
    mark = pieces.ids.tolist().index(english.id("▁"))
    assert pieces.spans[mark].tolist() == [5, 5]
    assert pieces.spans[mark + 1].tolist() == [5, 6]


@pytest.mark.parametrize("text", ["\ud800", "abc\udfff", "漢字\ud83d"])
def test_lone_surrogates_are_named(english: SentencePieceTokenizer, text: str) -> None:
    with pytest.raises(InputError, match=rf"character {len(text) - 1} is a lone surrogate") as caught:
        english.encode(text)
    assert caught.value.code == "surrogate"


@pytest.mark.parametrize("text", [None, 3, b"abc", ["a"]])
def test_what_is_no_text_is_refused(english: SentencePieceTokenizer, text: Any) -> None:
    with pytest.raises(InputError, match="must be a string") as caught:
        english.encode_many(["the fox", text])
    assert caught.value.code == "type"


def test_ids_and_pieces_lead_to_each_other(english: SentencePieceTokenizer) -> None:
    assert english.size == len(english.vocabulary.pieces)
    assert [english.piece(id) for id in (0, 1, 2, 3, 4)] == ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    assert (english.pad, english.unknown, english.cls, english.sep, english.mask) == (0, 1, 2, 3, 4)
    assert english.specials == ALBERT
    assert all(english.id(english.piece(id)) == id for id in range(english.size))
    assert english.id("no such piece") == english.unknown
    for id in (-1, english.size):
        with pytest.raises(InputError, match=f"no piece {id}"):
            english.piece(id)
        with pytest.raises(InputError, match=f"no piece {id}"):
            english.decode([id])


def test_decoding_leaves_the_special_pieces_out(english: SentencePieceTokenizer) -> None:
    ids = english.encode("The quick (brown) fox.").ids.tolist()
    assert english.decode([english.cls, *ids, english.sep, english.pad]) == "the quick (brown) fox."
    assert english.decode([]) == ""


def test_pieces_cannot_be_written_to(english: SentencePieceTokenizer) -> None:
    for text in ("the fox", "  the\t\tfox é", "한국어"):
        pieces = english.encode(text)
        assert pieces.ids.dtype == pieces.spans.dtype == np.int32
        assert pieces.spans.shape == (len(pieces), 2)
        for array in (pieces.ids, pieces.spans):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_fingerprints_tell_what_decides_ids(spiece_model: bytes) -> None:
    same = [SentencePieceTokenizer(spiece_model).fingerprint for _ in range(2)]
    others = [
        SentencePieceTokenizer(spiece_model, do_lower_case=False).fingerprint,
        SentencePieceTokenizer(spiece_model, keep_accents=True).fingerprint,
        SentencePieceTokenizer(train(vocab_size=100)).fingerprint,
    ]
    assert same[0] == same[1]
    assert len({same[0], *others}) == 4


def test_threads_share_a_tokenizer(spiece_model: bytes) -> None:
    alone = SentencePieceTokenizer(spiece_model).encode_many(HARD)
    shared = SentencePieceTokenizer(spiece_model)
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(shared.encode_many, [HARD] * 24):
            assert [p.ids.tolist() for p in together] == [p.ids.tolist() for p in alone]
            assert [p.spans.tolist() for p in together] == [p.spans.tolist() for p in alone]


CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def _changes(character: str) -> bool:
    decomposes = unicodedata.decomposition(character) or "\uac00" <= character <= "\ud7a3"
    return bool(decomposes or unicodedata.combining(character) or character.lower() != character)


def test_normalising_each_character_alone_is_normalising_the_text() -> None:
    """For each character that changes, and some of the others: between letters, and before marks."""
    changing = [character for character in CHARACTERS if _changes(character)]
    characters = changing + CHARACTERS[::97]
    text = "".join(f"a{character}\u0301\u0316b " for character in characters)
    assert Normalizer()(text).text == official_text(text)


def test_nothing_becomes_more_than_eighteen_characters() -> None:
    assert max(len(unicodedata.normalize("NFKD", character)) for character in CHARACTERS) == 18


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bpe"}, "unigram"),
        ({"byte_fallback": True, "vocab_size": 500}, "bytes"),
        ({"control_symbols": ["[CLS]", "[SEP]"]}, r"no \[MASK\]"),
        ({"control_symbols": []}, r"no \[CLS\] and no \[SEP\] and no \[MASK\]"),
    ],
)
def test_other_kinds_of_model_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SentencePieceTokenizer(train(**changes))


def test_ids_are_those_that_were_published(
    data_folder: Path, published_english: SentencePieceTokenizer
) -> None:
    golden = json.loads((data_folder / "albert_en_vocab" / "golden_tokenization.json").read_text())
    keeping = SentencePieceTokenizer(published_english.model, keep_accents=True)
    for case in golden["keep_accents_true"]:
        ids = keeping.encode(case["text"]).ids.tolist()
        assert ids == case["ids"]
        assert [keeping.piece(id) for id in ids if id != 1] == [p for p in case["tokens"] if p != "é"]
    for case in golden["keep_accents_false_with_special_tokens"]:
        ids = published_english.encode(case["text"]).ids.tolist()
        assert [published_english.cls, *ids, published_english.sep] == case["ids"]
    assert published_english.size == golden["vocab_size"]
    assert published_english.piece(published_english.size - 1) == golden["last_piece"]


def test_spans_with_the_published_model(published_english: SentencePieceTokenizer) -> None:
    text = " The Cafe\u0301s  of 2004, ﬁne\t½ ｆｕｌｌ 각."
    pieces = published_english.encode(text)
    found = [
        (published_english.piece(id), text[start:end])
        for id, (start, end) in zip(pieces.ids.tolist(), pieces.spans.tolist(), strict=True)
    ]
    assert found == [
        ("▁the", "The"),
        ("▁cafe", "Cafe\u0301"),
        ("s", "s"),
        ("▁of", "of"),
        ("▁2004", "2004"),
        (",", ","),
        ("▁fine", "ﬁne"),
        ("▁1", "½"),
        ("<unk>", "½"),
        ("2", "½"),
        ("▁full", "ｆｕｌｌ"),
        ("▁", ""),
        ("<unk>", "각"),
        (".", "."),
    ]


def test_hard_texts_with_the_published_model(published_english: SentencePieceTokenizer) -> None:
    processor = processor_of(published_english)
    assert_official(published_english, processor, HARD)
    for text in HARD:
        assert_sound_spans(published_english, processor, text)


@settings(max_examples=120, deadline=None)
@given(text=texts)
def test_any_text_with_the_published_model(published_english: SentencePieceTokenizer, text: str) -> None:
    processor = processor_of(published_english)
    assert_official(published_english, processor, [text])
    assert_sound_spans(published_english, processor, text)


LINES = [
    "glue/SST-2/train.tsv.gz",
    "wiki_en_featured/AA_wiki_02.txt.gz",
    "wiki_zh/AA_wiki_02.txt.gz",
    "multi30k/val.de.gz",
    "multi30k/val.fr.gz",
]


@pytest.mark.parametrize("name", LINES)
def test_real_lines_become_what_sentencepiece_makes_of_them(
    published_english: SentencePieceTokenizer, data_folder: Path, name: str
) -> None:
    processor = processor_of(published_english)
    with gzip.open(data_folder / name, "rt", encoding="utf-8") as lines:
        some = [line for line, _ in zip(lines, range(800), strict=False)]
    assert_official(published_english, processor, some)
    for text in some[:150]:
        assert_sound_spans(published_english, processor, text)
