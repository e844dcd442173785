"""Where a document stands, for people: `name:line`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from litebert.data.corpus.sources import Source


class Places:
    """`file number:slice:line in the slice`, as parts say it, to `name:line`.

    lines: file number, where a slice begins, how many lines begin in it; in the order of the input.
    """

    def __init__(self, files: Sequence[Source], lines: Iterable[Sequence[int]]) -> None:
        self.names = [source.name for source in files]
        self.before: dict[tuple[int, int], int] = {}
        last, total = -1, 0
        for file, begin, count in lines:
            total = total if file == last else 0
            self.before[file, begin] = total
            last, total = file, total + count

    def of(self, place: str) -> str:
        file, begin, line = map(int, place.split(":"))
        return f"{self.names[file]}:{self.before[file, begin] + line}"
