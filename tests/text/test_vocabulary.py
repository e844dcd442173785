"""Vocabularies trained on a little text."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from litebert.errors import UsageError
from litebert.text.han import HAN, gb2312_level_1
from litebert.text.loading import load_tokenizer
from litebert.text.sentencepiece import SentencePieceTokenizer
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import _words, marked_words, train_sentencepiece, train_wordpiece

ENGLISH = (
    "the old sailor found a broken clock in the harbour, and sold it (at once) for £9.99 – or so he said"
)
CHINESE = "昨天早上，我的朋友在图书馆找到了那封信。研究人员喜欢自然语言处理！"
WORDS = [
    "昨天",
    "早上",
    "我",
    "的",
    "朋友",
    "在",
    "图书馆",
    "找到",
    "了",
    "那封信",
    "研究人员",
    "喜欢",
    "自然语言处理",
]


def cut(text: str) -> list[str]:
    """The words of the Chinese sentence, and what stands between them."""
    return [part for part in re.split(f"({'|'.join(sorted(WORDS, key=len, reverse=True))})", text) if part]


def sentences(count: int = 400) -> list[str]:
    draw = random.Random(7)
    english = ENGLISH.split()
    made = [" ".join(draw.choices(english, k=8)).capitalize() for _ in range(count)]
    return made + ["".join(draw.choices([*WORDS, "，", "。"], k=9)) for _ in range(count)]


Trained = Callable[[], Tokenizer]
TRAINED: dict[str, Trained] = {
    "sentencepiece": lambda: train_sentencepiece(sentences(), 85, cut=cut),
    "sentencepiece alone": lambda: train_sentencepiece(sentences(), 150),
    "wordpiece": lambda: train_wordpiece(sentences(), 110),
}


@pytest.mark.parametrize("name", TRAINED)
def test_the_same_text_gives_the_same_vocabulary(name: str) -> None:
    assert TRAINED[name]().fingerprint == TRAINED[name]().fingerprint


@pytest.mark.parametrize("name", TRAINED)
def test_it_is_as_large_as_asked_and_opens_again_here_and_in_transformers(name: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = TRAINED[name]()
    assert tokenizer.size == {"sentencepiece": 85, "sentencepiece alone": 150, "wordpiece": 110}[name]
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).fingerprint == tokenizer.fingerprint
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in sentences()[::80]:
        assert theirs(text, add_special_tokens=False)["input_ids"] == tokenizer.encode(text).ids.tolist()
        assert tokenizer.unknown not in tokenizer.encode(text).ids


def test_the_special_pieces_have_their_published_places() -> None:
    english, chinese = TRAINED["sentencepiece"](), TRAINED["wordpiece"]()
    first = " ".join(english.piece(id) for id in range(13))
    assert first == '<pad> <unk> [CLS] [SEP] [MASK] ( ) " - . – £ €'
    assert " ".join(chinese.piece(id) for id in range(5)) == "[PAD] [UNK] [CLS] [SEP] [MASK]"
    assert (english.pad, english.unknown, english.cls, english.sep, english.mask) == (0, 1, 2, 3, 4)


def test_no_chinese_piece_goes_over_the_edge_of_a_word() -> None:
    tokenizer = TRAINED["sentencepiece"]()
    chinese = {
        tokenizer.piece(id) for id in range(tokenizer.size) if re.search(f"[{HAN}]", tokenizer.piece(id))
    }
    assert "图书馆" in chinese
    assert all(any(piece in word for word in WORDS) and len(piece) <= 4 for piece in chinese)
    alone = TRAINED["sentencepiece alone"]()
    assert any(
        len(alone.piece(id)) > 7 and re.search(f"[{HAN}]", alone.piece(id)) for id in range(alone.size)
    )


def test_words_with_their_marks() -> None:
    assert marked_words("中国 ok 朋友在, the 图书馆", lambda text: re.findall("朋友|图书馆|.", text)) == [
        *("中", "国", " ok", "朋友", "在,", " the", "图书馆")
    ]
    assert marked_words("研究人员喜欢", None) == [" 研究人员喜欢"]
    assert marked_words("自然语言处理", cut) == list("自然语言处理")
    assert marked_words("", cut) == []


@given(st.text(st.sampled_from("ab 中国朋友在图书馆,.(9"), max_size=30))
def test_words_hold_all_of_the_text(text: str) -> None:
    plain = " ".join(text.split())
    assert "".join("".join(marked_words(plain, cut)).split()) == plain.replace(" ", "")


def test_characters_that_must_be_pieces_are() -> None:
    tokenizer = train_sentencepiece(sentences(), 3_800, cut=cut, characters=gb2312_level_1())
    assert len(gb2312_level_1()) == 3_755
    assert tokenizer.unknown not in [tokenizer.id(character) for character in gb2312_level_1()]


def test_rare_characters_are_left_out() -> None:
    rare = [*sentences(), "ж"]
    for trained in (
        train_sentencepiece(rare, 150, coverage=0.999),
        train_wordpiece(rare, 120, coverage=0.999),
    ):
        assert trained.id("ж") == trained.unknown
    assert (
        train_sentencepiece(rare, 150, coverage=1).id("ж")
        != train_sentencepiece(rare, 150, coverage=1).unknown
    )


def test_case_is_kept_on_request() -> None:
    for tokenizer in (
        train_sentencepiece(sentences(), 150, do_lower_case=False),
        train_wordpiece(sentences(), 130, do_lower_case=False),
    ):
        pieces = [tokenizer.piece(id) for id in range(5, tokenizer.size)]
        assert any(piece != piece.lower() for piece in pieces)
        assert tokenizer.encode("The").ids.tolist() != tokenizer.encode("the").ids.tolist()


@given(
    st.text(
        st.one_of(
            st.sampled_from("aZ中国，.é\u0301½\x00\u200d \u3000İΣ"), st.characters(exclude_categories=["Cs"])
        )
    )
)
def test_words_are_berts(text: str) -> None:
    normalizer = BertNormalizer(lowercase=True)
    found = BertPreTokenizer().pre_tokenize_str(normalizer.normalize_str(text))
    assert _words([text], normalizer) == Counter(word for word, _ in found)


@pytest.mark.parametrize("train", [train_sentencepiece, train_wordpiece])
@pytest.mark.parametrize("text", [[], ["", " \t "]])
def test_no_text_is_refused(train: Callable[[list[str], int], Tokenizer], text: list[str]) -> None:
    with pytest.raises(UsageError, match="no text to train"):
        train(text, 50)


def test_a_size_that_cannot_be() -> None:
    with pytest.raises(UsageError, match=r"100,000 pieces, it yields at most [\d,]+: give more text"):
        train_sentencepiece(sentences(), 100_000)
    for train in (train_sentencepiece, train_wordpiece):
        with pytest.raises(UsageError, match=r"20 pieces are too few: .* need [\d,]+; give a larger --size"):
            train(sentences(), 20)


def test_the_embedded_vocabulary() -> None:
    from litebert.embedded import tokenizer_folder

    tokenizer = load_tokenizer(tokenizer_folder())
    assert isinstance(tokenizer, SentencePieceTokenizer)
    pieces = tokenizer.vocabulary.pieces
    chinese = [piece for piece in pieces if re.search(f"[{HAN}]", piece)]
    assert len(pieces) == 25_400
    assert set(gb2312_level_1()) <= set(pieces)
    assert max(map(len, chinese)) == 4 and not any(piece.startswith("▁") for piece in chinese)
    assert sum(bool(re.fullmatch("▁[a-z]+", piece)) for piece in pieces) > 7_000
