"""Opening and saving: every kind of file, by us and by transformers, and files that mean harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from text_oracles import HARD

from litebert.errors import LitebertError, ModelError
from litebert.text import loading, spiece
from litebert.text.loading import load_tokenizer
from litebert.text.sentencepiece import SentencePieceTokenizer
from litebert.text.tokenizer import Specials, Tokenizer
from litebert.text.wordpiece import WordPieceTokenizer
from small_tokenizers import WORDS, train

Json = dict[str, Any]

SIMPLE = [
    "The quick brown fox jumps over the lazy dog.",
    'co-operation (brown) – £9.99 "a joy"',
    "  white   space\there ",
    "café ﬁlm CAFÉ",
    "the river sleeps on",
]

RULED = [
    "In 2004, there were 1,000, of them; 9,9 and 1999,",
    "``quoted'' `x'",
    "हिन्दी कि 한국어 ½ ㍿ a\u0301",
]
"""Texts that the tokenizers of transformers itself read otherwise; the one we write for it does not."""


def _without_mask(file: Json) -> None:
    """With another piece in its place, in both of the lists that it stands in."""
    file["model"]["vocab"]["[M]"] = file["model"]["vocab"].pop("[MASK]")
    file["added_tokens"] = file["added_tokens"][:4]


def assert_same(one: Tokenizer, other: Tokenizer) -> None:
    assert one.fingerprint == other.fingerprint
    for a, b in zip(one.encode_many(HARD), other.encode_many(HARD), strict=True):
        assert a.ids.tolist() == b.ids.tolist()
        assert a.spans.tolist() == b.spans.tolist()


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.fixture(params=["lower", "cased", "accents"])
def some_english(request: pytest.FixtureRequest, spiece_model: bytes) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(
        spiece_model, do_lower_case=request.param != "cased", keep_accents=request.param == "accents"
    )


@pytest.fixture(
    params=[{}, {"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}]
)
def some_chinese(request: pytest.FixtureRequest) -> WordPieceTokenizer:
    return WordPieceTokenizer(WORDS, **request.param)


def test_saved_english_opens_again(some_english: SentencePieceTokenizer, tmp_path: Path) -> None:
    some_english.save(tmp_path / "new" / "folder")
    assert_same(load_tokenizer(tmp_path / "new" / "folder"), some_english)
    assert_same(load_tokenizer(tmp_path / "new" / "folder" / "spiece.model"), some_english)


def test_english_opens_from_tokenizer_json_alone(
    some_english: SentencePieceTokenizer, tmp_path: Path
) -> None:
    """The scores, the user-defined symbols and the table of replacements are all found again."""
    some_english.save(tmp_path)
    alone = tmp_path / "alone" / "tokenizer.json"
    alone.parent.mkdir()
    (tmp_path / "tokenizer.json").rename(alone)
    found = load_tokenizer(alone)
    assert isinstance(found, SentencePieceTokenizer)
    assert found.vocabulary == some_english.vocabulary
    assert_same(found, some_english)


def test_saved_chinese_opens_again(some_chinese: WordPieceTokenizer, tmp_path: Path) -> None:
    some_chinese.save(tmp_path)
    for file in ("", "vocab.txt", "tokenizer.json"):
        assert_same(load_tokenizer(tmp_path / file), some_chinese)
    for other in ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (tmp_path / other).unlink()
    assert_same(load_tokenizer(tmp_path), some_chinese)


def test_the_published_english_is_found_in_its_tokenizer_json(
    published_english: SentencePieceTokenizer, tmp_path: Path
) -> None:
    published_english.save(tmp_path)
    (tmp_path / "spiece.model").unlink()
    assert_same(load_tokenizer(tmp_path), published_english)


def test_transformers_opens_the_english(english: SentencePieceTokenizer, tmp_path: Path) -> None:
    english.save(tmp_path)
    assert_transformers_agrees(english, tmp_path, SIMPLE)


def test_transformers_opens_the_published_english(
    published_english: SentencePieceTokenizer, tmp_path: Path
) -> None:
    published_english.save(tmp_path)
    assert_transformers_agrees(published_english, tmp_path, SIMPLE + RULED)


def assert_transformers_agrees(tokenizer: SentencePieceTokenizer, folder: Path, some: list[str]) -> None:
    from transformers import AlbertTokenizer, AutoTokenizer

    write(folder / "config.json", {"model_type": "albert"})
    theirs = AutoTokenizer.from_pretrained(folder)
    for text, pieces in zip(some, tokenizer.encode_many(some), strict=True):
        assert theirs(text, add_special_tokens=False)["input_ids"] == pieces.ids.tolist(), text
    assert_frame(theirs, tokenizer)
    albert = AlbertTokenizer.from_pretrained(folder)
    assert (
        albert("the river", add_special_tokens=False)["input_ids"]
        == tokenizer.encode("the river").ids.tolist()
    )


def assert_frame(theirs: Any, ours: Tokenizer) -> None:
    row = theirs("the fox", "the dog")
    first, second = ours.encode("the fox").ids.tolist(), ours.encode("the dog").ids.tolist()
    assert row["input_ids"] == [ours.cls, *first, ours.sep, *second, ours.sep]
    assert row["token_type_ids"] == [0] * (len(first) + 2) + [1] * (len(second) + 1)
    named = (theirs.cls_token_id, theirs.sep_token_id, theirs.pad_token_id, theirs.mask_token_id)
    assert named == (ours.cls, ours.sep, ours.pad, ours.mask)
    assert theirs.unk_token_id == ours.unknown
    assert len(theirs) == ours.size
    assert theirs("[MASK]", add_special_tokens=False)["input_ids"] == [ours.mask]
    assert theirs.model_max_length == 512


@pytest.mark.parametrize("name", ["AutoTokenizer", "BertTokenizer"])
def test_transformers_opens_the_chinese(some_chinese: WordPieceTokenizer, tmp_path: Path, name: str) -> None:
    import transformers

    some_chinese.save(tmp_path)
    write(tmp_path / "config.json", {"model_type": "albert"})
    theirs = getattr(transformers, name).from_pretrained(tmp_path)
    some = [text for text in HARD if "[" not in text]
    for text, pieces in zip(some, some_chinese.encode_many(some), strict=True):
        assert theirs(text, add_special_tokens=False)["input_ids"] == pieces.ids.tolist(), ascii(text)
    assert_frame(theirs, some_chinese)


def test_what_transformers_saves_is_opened(english: SentencePieceTokenizer, tmp_path: Path) -> None:
    """Its own `AlbertTokenizer` writes another pipeline from the same vocabulary."""
    from transformers import AlbertTokenizer

    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "spiece.model").write_bytes(english.model)
    AlbertTokenizer.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved" / "spiece.model").exists()
    opened = load_tokenizer(tmp_path / "saved")
    for text, pieces in zip(HARD, opened.encode_many(HARD), strict=True):
        assert pieces.ids.tolist() == english.encode(text).ids.tolist(), ascii(text)


@pytest.mark.parametrize("name", ["30k-clean.model", "spiece.model"])
def test_googles_names_for_english(spiece_model: bytes, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(spiece_model)
    assert load_tokenizer(tmp_path).kind == "sentencepiece"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["vocab_chinese.txt", "vocab.txt"])
def test_googles_names_for_chinese(tmp_path: Path, name: str, ends: str) -> None:
    (tmp_path / name).write_bytes("".join(piece + ends for piece in WORDS).encode())
    assert_same(load_tokenizer(str(tmp_path)), WordPieceTokenizer(WORDS))


def test_settings_beside_the_file_are_obeyed(spiece_model: bytes, tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(spiece_model)
    write(tmp_path / "tokenizer_config.json", {"do_lower_case": False, "keep_accents": True, "other": [1]})
    found = load_tokenizer(tmp_path)
    assert_same(found, SentencePieceTokenizer(spiece_model, do_lower_case=False, keep_accents=True))


def test_special_pieces_may_have_other_names(tmp_path: Path) -> None:
    words = ["<s>" if piece == "[CLS]" else "</s>" if piece == "[SEP]" else piece for piece in WORDS]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    with pytest.raises(ModelError, match=r"vocab.txt: the vocabulary has no \[CLS\] and no \[SEP\]"):
        load_tokenizer(tmp_path)
    write(tmp_path / "special_tokens_map.json", {"cls_token": "<s>", "sep_token": {"content": "</s>"}})
    found = load_tokenizer(tmp_path)
    assert (found.cls, found.sep) == (2, 3)
    assert found.specials == Specials(cls="<s>", sep="</s>")


def test_pieces_added_after_the_vocabulary_are_named_but_not_found(
    chinese: WordPieceTokenizer, tmp_path: Path
) -> None:
    chinese.save(tmp_path)
    file = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    file["added_tokens"].append({"id": len(WORDS), "content": "[E1]", "special": True})
    found = load_tokenizer(write(tmp_path / "more.json", file))
    assert found.piece(len(WORDS)) == "[E1]"
    assert len(WORDS) not in found.encode("[E1]").ids


DAMAGED_CHINESE: dict[str, Callable[[Json], object]] = {
    "no `model`": lambda file: file.pop("model"),
    "model is 'BPE'": lambda file: file["model"].update(type="BPE"),
    "no table `vocab`": lambda file: file["model"].update(vocab=3),
    "are not 0 to": lambda file: file["model"]["vocab"].update({"我": 9999}),
    "are not 0": lambda file: file["model"]["vocab"].update({"我": True}),
    r"no \[MASK\]": _without_mask,
    "writes ## inside": lambda file: file["model"].update(continuing_subword_prefix="@@"),
    "max_input_chars_per_word is 0": lambda file: file["model"].update(max_input_chars_per_word=0),
    "no `normalizer`": lambda file: file.update(normalizer=None),
    "another way": lambda file: file["normalizer"].update(type="Lowercase"),
    "in another way": lambda file: file["pre_tokenizer"].update(type="Whitespace"),
    "where true or false": lambda file: file["normalizer"].update(lowercase="yes"),
    "is no list": lambda file: file.update(added_tokens="[CLS]"),
    "has no id": lambda file: file.update(added_tokens=[{"content": "x"}]),
    "has the id 7, in the vocabulary": lambda file: file["added_tokens"][0].update(id=7),
    "the next free one": lambda file: file["added_tokens"].append(
        {"id": 999, "content": "[E]", "special": True}
    ),
    "looked for before": lambda file: file["added_tokens"].append({"id": len(WORDS), "content": "word"}),
}

DAMAGED_ENGLISH: dict[str, Callable[[Json], object]] = {
    "falls back to bytes": lambda file: file["model"].update(byte_fallback=True),
    "no list `vocab`": lambda file: file["model"].update(vocab=[]),
    "not a piece and a score": lambda file: file["model"]["vocab"].append(["x"]),
    "not a piece and a": lambda file: file["model"]["vocab"].append([3, -1.0]),
    "NaN is no JSON": lambda file: file["model"]["vocab"].append(["xyz", float("nan")]),
    "has the score -?1e": lambda file: file["model"]["vocab"].append(["xyz", -1e300]),
    "too large": lambda file: file["model"]["vocab"].append(["xyz", 10**400]),
    "and so is": lambda file: file["model"]["vocab"].append(["▁", -3.0]),
    "lone surrogate": lambda file: file["model"]["vocab"].append(["\ud800", -3.0]),
    "has 0 characters": lambda file: file["model"]["vocab"].append(["", -3.0]),
    "unk_id is None": lambda file: file["model"].pop("unk_id"),
    "unk_id is 99999": lambda file: file["model"].update(unk_id=99999),
    "is not the model's unknown": lambda file: file["model"].update(unk_id=20),
    "not base64": lambda file: file.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "§"}),
    "replacements is damaged": lambda file: file.update(
        normalizer={
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(b"\xff\xff\xff\x7fxx").decode(),
        }
    ),
    "writes over 128 bytes": lambda file: file.update(
        normalizer={
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(b"\0\0\0\0" + b"a" * 200 + b"\0").decode(),
        }
    ),
    "which is no table": lambda file: file.update(normalizer={"type": "Sequence", "normalizers": [3]}),
    "that is no list": lambda file: file.update(normalizer={"type": "Sequence", "normalizers": 3}),
}


@pytest.fixture(scope="module")
def saved(
    english: SentencePieceTokenizer, chinese: WordPieceTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The `tokenizer.json` of each kind."""
    folder = tmp_path_factory.mktemp("saved")
    english.save(folder / "sentencepiece")
    chinese.save(folder / "wordpiece")
    return {kind.name: (kind / "tokenizer.json").read_text(encoding="utf-8") for kind in folder.iterdir()}


@pytest.mark.parametrize("message", DAMAGED_CHINESE)
def test_a_damaged_chinese_tokenizer_json_is_refused(
    saved: dict[str, str], tmp_path: Path, message: str
) -> None:
    assert_refused(saved["wordpiece"], tmp_path, message, DAMAGED_CHINESE[message])


@pytest.mark.parametrize("message", DAMAGED_ENGLISH)
def test_a_damaged_english_tokenizer_json_is_refused(
    saved: dict[str, str], tmp_path: Path, message: str
) -> None:
    assert_refused(saved["sentencepiece"], tmp_path, message, DAMAGED_ENGLISH[message])


def assert_refused(whole: str, folder: Path, message: str, change: Callable[[Json], object]) -> None:
    file = json.loads(whole)
    change(file)
    with pytest.raises(ModelError, match=message) as caught:
        load_tokenizer(write(folder / "tokenizer.json", file))
    assert str(folder / "tokenizer.json") in caught.value.message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", b"{", "is no JSON"),
        ("tokenizer.json", b"[" * 100_000, "is no JSON"),
        ("tokenizer.json", b"\xff\xfe\x00", "is no JSON"),
        ("tokenizer.json", b"[1]", "holds no JSON object"),
        ("tokenizer.json", b"{}", "it has no `model`"),
        ("spiece.model", b"", "one unknown piece, but this one has 0"),
        ("spiece.model", b"not a model", "no SentencePiece model, or a damaged one"),
        ("spiece.model", b"\x0a\x7f", "runs past the end"),
        ("spiece.model", b"\xff" * 40, "does not end"),
        ("spiece.model", b"\x0a\x04\x0a\x02\xff\xff", "no SentencePiece model"),
        ("vocab.txt", b"", r"line 1 of the vocabulary is empty"),
        ("vocab.txt", b"[PAD]\n\n[UNK]\n", r"line 2 of the vocabulary is empty"),
        ("vocab.txt", b"[PAD]\n[UNK]\n[PAD]\n", r"line 3 of the vocabulary is '\[PAD\]', as line 1 is"),
        ("vocab.txt", b"[PAD]\nx\n\xff\n", "line 3 of the vocabulary is not UTF-8"),
        ("vocab.txt", b"[PAD]\nx\n", r"has no \[CLS\] and no \[SEP\]"),
        ("vocab.txt", b"\n" * 1_100_000 + b"x", "over 1,000,000 lines"),
        ("weights.bin", b"x", r"ends in \.model \(SentencePiece\), \.txt"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        load_tokenizer(tmp_path / name)
    assert str(tmp_path / name) in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"do_lower_case": "yes"}, "do_lower_case is 'yes'; it must be true or false"),
        ({"cls_token": 3}, "cls_token is 3"),
        ({"cls_token": {"content": None}}, "cls_token is"),
        ([], "holds no JSON object"),
    ],
)
def test_damaged_settings_are_refused(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    write(tmp_path / "tokenizer_config.json", content)
    with pytest.raises(ModelError, match=message) as caught:
        load_tokenizer(tmp_path)
    assert "tokenizer_config.json" in caught.value.message


def test_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no tokenizer; it would be one of spiece\.model"):
        load_tokenizer(tmp_path)
    with pytest.raises(ModelError, match="neither a folder nor a file"):
        load_tokenizer(tmp_path / "missing")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "vocab.txt").open("wb") as file:
        file.truncate(loading.LARGEST + 1)
    with pytest.raises(ModelError, match="bytes; a tokenizer has at most"):
        load_tokenizer(tmp_path)


def test_a_spiece_model_is_written_as_it_is_read(spiece_model: bytes) -> None:
    read = spiece.read(spiece_model)
    assert spiece.read(spiece.write(read)) == read
    assert {spiece.NORMAL, spiece.UNKNOWN, spiece.CONTROL, spiece.USER_DEFINED} == set(read.kinds)
    again = SentencePieceTokenizer(spiece.write(read))
    assert_same(again, SentencePieceTokenizer(spiece_model))


def test_models_that_could_fill_the_memory_are_refused(
    spiece_model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spiece, "LARGEST", 10)
    with pytest.raises(ModelError, match="over 10 pieces"):
        spiece.read(spiece_model)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_model_with_any_bytes_changed_works_or_is_refused(spiece_model: bytes, data: st.DataObject) -> None:
    damaged = bytearray(spiece_model)
    edges = st.sampled_from([0, len(damaged) - len(spiece.read(spiece_model).charsmap) - 40])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(edges) + data.draw(st.integers(0, 4000))
        damaged[place % len(damaged)] = data.draw(st.integers(0, 255))
    try:
        tokenizer = SentencePieceTokenizer(
            bytes(damaged[: data.draw(st.none() | st.integers(0, len(damaged)))])
        )
        for text in HARD:
            assert tokenizer.encode(text).spans.max(initial=0) <= len(text)
    except LitebertError as error:
        assert isinstance(error, ModelError)


def test_a_smaller_model_is_another(tmp_path: Path, english: SentencePieceTokenizer) -> None:
    (tmp_path / "spiece.model").write_bytes(train(vocab_size=100))
    assert load_tokenizer(tmp_path).fingerprint != english.fingerprint
