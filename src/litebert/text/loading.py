"""Open a tokenizer from a folder or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litebert import strict_json
from litebert.errors import ModelError
from litebert.text import settings, spiece, tokenizer_json
from litebert.text.sentencepiece import ALBERT, SentencePieceTokenizer
from litebert.text.settings import Json, Settings
from litebert.text.tokenizer import Tokenizer
from litebert.text.wordpiece import BERT, WordPieceTokenizer

NAMES = ("spiece.model", "30k-clean.model", "vocab.txt", "vocab_chinese.txt", "tokenizer.json")
"""The files that a folder's tokenizer is read from: the first that is there. 30k-clean.model and
vocab_chinese.txt are what Google's own archives call them."""

SETTINGS = ("special_tokens_map.json", "tokenizer_config.json")

LARGEST = 32 * 1024 * 1024
"""Bytes. The largest published file of the kind has 17 MB."""


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Open the tokenizer of a folder, or of a `spiece.model`, `vocab.txt` or `tokenizer.json`.

    A `tokenizer_config.json` and `special_tokens_map.json` beside it are obeyed: `do_lower_case`,
    `keep_accents`, `strip_accents`, `tokenize_chinese_chars` and the names of special pieces. Without them a
    `spiece.model` or `vocab.txt` is taken as uncased, as all published ALBERTs are.

    Raises `ModelError`, which names the file, for one that is missing, too large, damaged or of another kind.
    """
    file = _find(Path(path))
    told = _read_settings(file.parent)
    with _naming(file):
        return _open(file, told)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Say in which file it is that something is wrong."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{file}: {error.message}") from None


def _read_settings(folder: Path) -> Settings:
    told: list[Json] = []
    for file in (folder / name for name in SETTINGS):
        if file.exists():
            with _naming(file):
                told.append(_read_json(file))
                settings.read(told)
    return settings.read(told)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModelError(f"{path} is neither a folder nor a file")
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path} holds no tokenizer; it would be one of {', '.join(NAMES)}")


def _open(file: Path, told: Settings) -> Tokenizer:
    if file.suffix == ".model":
        return _open_spiece(_read(file), told)
    if file.suffix == ".txt":
        return _open_vocabulary(_read(file), told)
    if file.suffix == ".json":
        return tokenizer_json.read(_read_json(file), told)
    raise ModelError(
        "the name of a tokenizer's file ends in .model (SentencePiece), .txt (vocabulary) or .json"
    )


def _open_spiece(data: bytes, told: Settings) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(
        data,
        do_lower_case=told.do_lower_case is not False,
        keep_accents=told.keep_accents is True,
        specials=told.specials(ALBERT),
    )


def _open_vocabulary(data: bytes, told: Settings) -> WordPieceTokenizer:
    return WordPieceTokenizer(
        _lines(data),
        do_lower_case=told.do_lower_case is not False,
        strip_accents=told.strip_accents,
        tokenize_chinese_chars=told.tokenize_chinese_chars is not False,
        specials=told.specials(BERT),
    )


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ModelError(f"line {line} of the vocabulary is not UTF-8 (byte {error.start})") from None
    if text.count("\n") > spiece.LARGEST:
        raise ModelError(f"the vocabulary has over {spiece.LARGEST:,} lines")
    lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    first: dict[str, int] = {}
    for number, piece in enumerate(lines, start=1):
        if not piece:
            raise ModelError(f"line {number} of the vocabulary is empty; each line is one piece")
        if first.setdefault(piece, number) != number:
            raise ModelError(f"line {number} of the vocabulary is {piece!r}, as line {first[piece]} is")
    return lines


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise ModelError(f"it has {file.stat().st_size:,} bytes; a tokenizer has at most {LARGEST:,}")
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"it cannot be read: {error.strerror}") from None


def _read_json(file: Path) -> Json:
    try:
        value: Any = strict_json.loads(_read(file).decode("utf-8-sig"))
    except ValueError as error:
        raise ModelError(f"it is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ModelError("it holds no JSON object")
    return value
