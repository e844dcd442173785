"""What a person may choose about a corpus. With the input and the tokenizer it decides every byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Literal, get_args

from litebert.errors import UsageError, nearest

Form = Literal["blank-line", "file", "wiki", "jsonl"]
Language = Literal["en", "zh"]
Words = Literal["jieba", "pieces"]

SHARD_BYTES = 2 << 20
"""About how much text one shard holds: a second's work, so that workers end at about the same time."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What of the text is taken, and how."""

    documents: Literal["auto"] | Form = "auto"
    """How a file holds documents: `blank-line` between them, one a `file`, WikiExtractor's `<doc …>`
    (`wiki`), or `jsonl` with `{"text": …}`. `auto` looks at each file's name and beginning."""
    languages: tuple[Language, ...] = ("en", "zh")
    """Documents of other languages are dropped."""
    min_chars: int = 50
    """A cleaned document with fewer characters is dropped."""
    max_chars: int = 20_000_000
    """A document as it stands in the file with more characters is dropped."""
    near_duplicates: float | None = 0.8
    """A document as similar as this (Jaccard, over runs of five words or Chinese characters) to an earlier
    one is dropped; none keeps all but exact duplicates."""
    scrub: bool = False
    """Put placeholders for e-mail and IP addresses, telephone, identity, card and bank account numbers."""
    words: Words | None = None
    """What a whole word is in Chinese: a `jieba` word, or each of the tokenizer's `pieces`. Left out,
    jieba where the package rjieba is installed."""
    shard_bytes: int = SHARD_BYTES
    """About how many bytes of input make a shard, the unit of work that is lost when a worker is killed."""

    def __post_init__(self) -> None:
        """Raises `UsageError` for a value that cannot be."""
        _known("way to hold documents", self.documents, ("auto", *get_args(Form)))
        for language in self.languages:
            _known("language", language, get_args(Language))
        if not self.languages:
            raise UsageError("languages is empty; give en, zh or both")
        if self.words is not None:
            _known("kind of Chinese word", self.words, get_args(Words))
        if not 0 <= self.min_chars <= self.max_chars:
            raise UsageError(
                f"min_chars ({self.min_chars}) must lie between 0 and max_chars ({self.max_chars})"
            )
        if self.near_duplicates is not None and not 0 < self.near_duplicates <= 1:
            raise UsageError(
                f"near_duplicates is {self.near_duplicates}; it is a similarity over 0, at most 1"
            )
        if self.shard_bytes < 1:
            raise UsageError(f"shard_bytes is {self.shard_bytes}; it must be 1 or more")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "languages": list(self.languages)}

    def libraries(self) -> dict[str, str]:
        """The optional packages that these settings need, with their versions. Raises `UsageError`."""
        needed = {"datasketch": self.near_duplicates is not None, "rjieba": self.words == "jieba"}
        return {name: _version(name) for name, is_needed in needed.items() if is_needed}


def default_words() -> Words:
    """How Chinese words are found: by jieba where it is installed, else pieces stand for words."""
    return "jieba" if find_spec("rjieba") else "pieces"


_WAYS_OUT = {
    "datasketch": ("to find near duplicates", "--near-duplicates none"),
    "rjieba": ("to find Chinese words", "--words pieces"),
}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        what, way_out = _WAYS_OUT[name]
        raise UsageError(
            f"{what}, litebert needs {name}: pip install 'litebert[data]' (or do without: {way_out})"
        ) from None


def _known(kind: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise UsageError(nearest(given, known, kind))
