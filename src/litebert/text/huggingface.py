"""`tokenizer.json` and its companions, by which `transformers` opens a tokenizer: written.

For SentencePiece it is a pipeline as near the official tokenizer as Hugging Face `tokenizers` can come, under
a class that `transformers` takes as it stands: its `AlbertTokenizer` would build its own, which differs more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Engine

from litebert import durable
from litebert.text import spiece
from litebert.text.spiece import Spiece
from litebert.text.tokenizer import Specials

LENGTH = 512
"""`model_max_length`: the positions of every published ALBERT and BERT."""

PENALTY = 100.0
"""Taken off the score of a piece that ends in a digit and a comma: it is then hardly ever found, which comes
near the rule that takes such a piece apart. The converter of `transformers` does the same."""

Json = dict[str, Any]


def write_sentencepiece(
    folder: Path, vocabulary: Spiece, specials: Specials, *, do_lower_case: bool, keep_accents: bool
) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` beside `spiece.model`."""
    engine = _unigram(vocabulary, specials)
    steps = _normal_steps(vocabulary.charsmap, do_lower_case=do_lower_case, keep_accents=keep_accents)
    engine.normalizer = normalizers.Sequence(list(steps))
    options = {
        "do_lower_case": do_lower_case,
        "keep_accents": keep_accents,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    frame = {"bos_token": specials.cls, "eos_token": specials.sep}
    _write(folder, engine, options, frame | names_of(specials))


def write_wordpiece(
    folder: Path,
    vocabulary: Sequence[str],
    specials: Specials,
    *,
    do_lower_case: bool,
    strip_accents: bool | None,
    tokenize_chinese_chars: bool,
    longest_word: int,
) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` beside `vocab.txt`."""
    engine = _wordpiece(vocabulary, specials, longest_word)
    engine.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenize_chinese_chars,
        strip_accents=strip_accents,
        lowercase=do_lower_case,
    )
    options = {
        "do_lower_case": do_lower_case,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": tokenize_chinese_chars,
        "tokenizer_class": "BertTokenizer",
    }
    _write(folder, engine, options, names_of(specials))


def _write(folder: Path, engine: Engine, options: Json, names: dict[str, str]) -> None:
    durable.replace(folder / "tokenizer.json", engine.to_str(pretty=True).encode())
    shared = {
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "model_max_length": LENGTH,
    }
    durable.replace_json(folder / "tokenizer_config.json", options | shared | names)
    durable.replace_json(folder / "special_tokens_map.json", names)


def names_of(specials: Specials) -> dict[str, str]:
    """By the keys that `transformers` has for them."""
    return {
        "cls_token": specials.cls,
        "sep_token": specials.sep,
        "pad_token": specials.pad,
        "mask_token": specials.mask,
        "unk_token": specials.unknown,
    }


def _unigram(vocabulary: Spiece, specials: Specials) -> Engine:
    ids = _ids(vocabulary.pieces)
    rows = [
        (piece, score - PENALTY if spiece.ends_in_digit_comma(piece) else score)
        for piece, score in zip(vocabulary.pieces, vocabulary.scores, strict=True)
    ]
    engine = Engine(models.Unigram(rows, ids[specials.unknown], byte_fallback=False))
    engine.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    engine.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return _framed(engine, specials, ids)


def _normal_steps(charsmap: bytes, *, do_lower_case: bool, keep_accents: bool) -> Iterable[Any]:
    yield normalizers.Replace(Regex(f"[{_range(str.isspace)}]+"), " ")
    if not keep_accents:
        yield normalizers.NFKD()
        yield normalizers.Replace(Regex(f"[{_range(unicodedata.combining)}]+"), "")
    if do_lower_case:
        yield normalizers.Lowercase()
    if charsmap:
        yield normalizers.Precompiled(charsmap)
    yield normalizers.Replace(Regex(" {2,}"), " ")
    yield normalizers.Strip()


@cache
def _range(belongs: Callable[[str], object]) -> str:
    """The characters that belong, as the inside of a regular expression's brackets."""
    codes = {code for code in range(0x20000) if belongs(chr(code))}
    starts = sorted(code for code in codes if code - 1 not in codes)
    ends = sorted(code for code in codes if code + 1 not in codes)
    return "".join(f"\\x{{{start:x}}}-\\x{{{end:x}}}" for start, end in zip(starts, ends, strict=True))


def _wordpiece(vocabulary: Sequence[str], specials: Specials, longest_word: int) -> Engine:
    ids = _ids(vocabulary)
    engine = Engine(models.WordPiece(ids, unk_token=specials.unknown, max_input_chars_per_word=longest_word))
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.decoder = decoders.WordPiece(prefix="##")
    return _framed(engine, specials, ids)


def _ids(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: id for id, piece in enumerate(pieces)}


def _framed(engine: Engine, specials: Specials, ids: dict[str, int]) -> Engine:
    engine.post_processor = processors.TemplateProcessing(
        single=f"{specials.cls}:0 $A:0 {specials.sep}:0",
        pair=f"{specials.cls}:0 $A:0 {specials.sep}:0 $B:1 {specials.sep}:1",
        special_tokens=[(piece, ids[piece]) for piece in (specials.cls, specials.sep)],
    )
    pieces = (specials.pad, specials.unknown, specials.cls, specials.sep)
    engine.add_special_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    engine.add_special_tokens([AddedToken(specials.mask, lstrip=True, normalized=False)])
    return engine
