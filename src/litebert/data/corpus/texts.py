"""Slices of the input → the documents in them that are good enough to keep, as clean sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litebert.data.corpus import duplicates
from litebert.data.corpus.cleaning import clean
from litebert.data.corpus.documents import Document, Reader
from litebert.data.corpus.languages import language
from litebert.data.corpus.personal import scrub
from litebert.data.corpus.plan import Slice
from litebert.data.corpus.report import Report, add
from litebert.data.corpus.sentences import split
from litebert.data.corpus.settings import Settings
from litebert.data.corpus.sources import Source


@dataclass(frozen=True, slots=True)
class Text:
    """A document that is good enough to keep. place: the file's number, where its slice begins, the line in
    that."""

    place: tuple[int, int, int]
    sentences: list[str]
    digest: bytes
    signature: NDArray[np.uint32] | None


class Cleaner:
    """Reads slices of the files, and keeps what the settings let through."""

    def __init__(self, files: Sequence[Source], settings: Settings) -> None:
        self.files, self.settings = files, settings
        self._sign = duplicates.Signer() if settings.near_duplicates else None

    def __call__(self, shard: Sequence[Slice], report: Report, lines: list[list[int]]) -> Iterator[Text]:
        """The texts of a shard, in order; `report` learns of the rest, `lines` how many each slice has."""
        for part in shard:
            reader = Reader(self.files[part.file], part, self.settings.max_chars)
            for document in reader:
                report.read += 1
                report.characters += document.size
                text = self._text(document, part, report)
                if isinstance(text, str):
                    report.drop(text, f"{part.file}:{part.begin}:{document.line}")
                else:
                    yield text
            lines.append([part.file, part.begin, reader.lines])

    def _text(self, document: Document, part: Slice, report: Report) -> Text | str:
        """What is kept of a document, or why nothing is."""
        if not document.is_whole:
            return "too long"
        paragraphs, removed = clean(document, self.files[part.file].form)
        add(report.removed_lines, removed)
        text = "\n".join(paragraphs)
        if len(text) < max(self.settings.min_chars, 1):
            return "too short" if text else "empty"
        found = language(text)
        if found not in self.settings.languages:
            return f"language: {found}"
        if self.settings.scrub:
            text, kinds = scrub(text)
            add(report.scrubbed, kinds)
            paragraphs = text.split("\n")
        return Text(
            place=(part.file, part.begin, document.line),
            sentences=[sentence for paragraph in paragraphs for sentence in split(paragraph)],
            digest=duplicates.digest(text),
            signature=self._sign(text) if self._sign else None,
        )
