"""Files → clean sentences of documents that differ: what a vocabulary is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from litebert.data.corpus import duplicates, plan
from litebert.data.corpus.places import Places
from litebert.data.corpus.report import Report
from litebert.data.corpus.settings import Settings
from litebert.data.corpus.texts import Cleaner, Text
from litebert.durable import telling


def sentences(inputs: Sequence[str | Path], settings: Settings, report: Report) -> Iterator[str]:
    """The sentences that a corpus of these files would hold, in its order. At the end `report` is filled.

    Raises `DataError` for a file that cannot be read, `UsageError` for none, or if a library is missing.
    """
    settings.libraries()
    files, passed_over = plan.find(inputs, settings)
    report.passed_over += passed_over
    cleaner = Cleaner(files, settings)
    is_new = _New(settings.near_duplicates)
    found, lines = Report(), list[list[int]]()
    with telling("read the input"):
        for shard in plan.cut(files, settings.shard_bytes):
            for text in cleaner(shard, found, lines):
                if reason := is_new.why_not(text):
                    found.drop(reason, ":".join(map(str, text.place)))
                else:
                    found.kept += 1
                    yield from text.sentences
    report.add(found, Places(files, lines).of)


class _New:
    """Tells the documents that say something new."""

    def __init__(self, threshold: float | None) -> None:
        self._seen = duplicates.Seen(threshold) if threshold else None
        self._digests: set[bytes] = set()

    def why_not(self, text: Text) -> str:
        """Empty for a new one."""
        if text.digest in self._digests:
            return "same as an earlier one"
        number = len(self._digests)
        self._digests.add(text.digest)
        if self._seen and text.signature is not None and self._seen.add(number, text.signature) is not None:
            return "nearly an earlier one"
        return ""
