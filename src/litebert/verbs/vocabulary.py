"""`litebert tokenizer train`: text files to a vocabulary, SentencePiece or WordPiece."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litebert.data.corpus.settings import Settings, default_words
from litebert.errors import UsageError
from litebert.verbs.flags import positional
from litebert.verbs.keywords import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litebert.data.corpus.report import Report
    from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a vocabulary on text: SentencePiece as ALBERT published it, WordPiece as BERT's Chinese one.

    Reads what `litebert corpus` reads, cleaned likewise and without duplicates. Text in English and Chinese
    gives a bilingual vocabulary, in which each language has pieces as it has text. The folder opens here
    (--tokenizer) and in transformers (AutoTokenizer). The same text gives the same vocabulary.

    Example: litebert tokenizer train wiki/ books.jsonl.gz --out vocabularies/mine --size 20000
    """

    files: Annotated[tuple[Path, ...], positional()]
    """Files and folders of text, in UTF-8."""
    out: Path
    """The vocabulary's folder, empty or new."""
    kind: Literal["sentencepiece", "wordpiece"] = "sentencepiece"
    """sentencepiece: pieces of the likeliest segmentation, for English and for both; wordpiece: each Chinese
    character by itself, for Chinese."""
    size: int | None = None
    """How many pieces (left out: 30000 of SentencePiece, at most 21128 of WordPiece, as published)."""
    coverage: float = 0.99995
    """The part of the text whose characters become pieces; the rarest of them are unknown."""
    lower_case: bool = True
    """Make all lower case, as the published models do."""
    settings: Settings = field(default_factory=Settings)

    def run(self) -> Report:
        """Writes the folder, and tells what text was read and what dropped.

        Raises `UsageError` for a size or a coverage that cannot be, or a folder that holds files; and
        `DataError` for a file that cannot be read.
        """
        from litebert.data.corpus.report import Report

        self._check()
        report = Report()
        tokenizer = self._trained(report)
        self.out.mkdir(parents=True, exist_ok=True)
        tokenizer.save(self.out)
        return report

    def main(self) -> int:
        print(*self.run().lines(), f"{self.out} is a vocabulary", sep="\n")
        return 0

    def _check(self) -> None:
        if self.size is not None and self.size < 6:
            raise UsageError(f"--size is {self.size}; five pieces are special, so it must be 6 or more")
        if not 0 < self.coverage <= 1:
            raise UsageError(f"--coverage is {self.coverage}; it is a part of the text, over 0 and at most 1")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UsageError(f"{self.out} holds other files; give an empty or a new folder as --out")

    def _trained(self, report: Report) -> Tokenizer:
        from litebert.data.corpus.words import jieba
        from litebert.text import vocabulary

        if self.kind == "wordpiece":
            return vocabulary.train_wordpiece(
                self._sentences(replace(self.settings, words="pieces"), report),
                self.size or vocabulary.CHINESE_SIZE,
                coverage=self.coverage,
                do_lower_case=self.lower_case,
            )
        settings = replace(self.settings, words=self.settings.words or default_words())
        return vocabulary.train_sentencepiece(
            self._sentences(settings, report),
            self.size or vocabulary.ENGLISH_SIZE,
            cut=jieba() if settings.words == "jieba" else None,
            coverage=self.coverage,
            do_lower_case=self.lower_case,
        )

    def _sentences(self, settings: Settings, report: Report) -> Iterator[str]:
        from litebert.data.corpus.distinct import sentences

        return sentences(self.files, settings, report)


def train_tokenizer(*files: str | Path, **options: Any) -> Report:
    """Train a vocabulary: `litebert tokenizer train` from Python, options as its flags.

    >>> train_tokenizer("wiki/", out="vocabularies/mine", size=20_000)  # doctest: +SKIP
    """
    return made(Train, {**options, "files": tuple(map(Path, files))}).run()
