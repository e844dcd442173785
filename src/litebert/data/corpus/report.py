"""What was read, what was dropped and why, where the first of it stood: as JSON and to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT, SHOWN = 10, 3
"""How many places are kept for each reason, and how many a person is shown."""


@dataclass
class Drops:
    """How many documents were dropped for one reason, and the places of the first."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, count: int, places: list[str]) -> None:
        self.count += count
        self.first += places[: KEPT - len(self.first)]


@dataclass
class Report:
    """The counts of a part, or of a corpus."""

    read: int = 0
    """Documents in the files."""
    characters: int = 0
    """In them, as they stood."""
    kept: int = 0
    """Documents in the corpus."""
    dropped: dict[str, Drops] = field(default_factory=dict)
    """Documents by reason."""
    removed_lines: dict[str, int] = field(default_factory=dict)
    """Lines of documents by reason."""
    scrubbed: dict[str, int] = field(default_factory=dict)
    """Personal data by kind."""
    passed_over: list[str] = field(default_factory=list)
    """Files in the folders that are not named as text is."""

    def drop(self, reason: str, place: str) -> None:
        self.dropped.setdefault(reason, Drops()).add(1, [place])

    def add(self, other: Report, renamed: Callable[[str], str]) -> None:
        """Put in the report of a part that comes after those put in before."""
        self.read += other.read
        self.characters += other.characters
        self.kept += other.kept
        for reason, drops in other.dropped.items():
            self.dropped.setdefault(reason, Drops()).add(drops.count, list(map(renamed, drops.first)))
        add(self.removed_lines, other.removed_lines)
        add(self.scrubbed, other.scrubbed)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Report:
        fields = dict(saved)
        fields["dropped"] = {reason: Drops(**drops) for reason, drops in fields["dropped"].items()}
        return cls(**fields)

    def lines(self) -> Iterator[str]:
        """The report for a person."""
        yield f"{self.kept:,} of {self.read:,} documents kept ({self.characters:,} characters read)"
        for reason, drops in _most_first(self.dropped, lambda drops: drops.count):
            yield f"{drops.count:>9,} dropped: {reason} ({_listed(drops.first, drops.count)})"
        for reason, count in _most_first(self.removed_lines, int):
            yield f"{count:>9,} {'line' if count == 1 else 'lines'} removed: {reason}"
        for kind, count in _most_first(self.scrubbed, int):
            yield f"{count:>9,} scrubbed: {kind}"
        if self.passed_over:
            count, names = len(self.passed_over), _listed(self.passed_over, len(self.passed_over))
            yield f"{count:>9,} {'file' if count == 1 else 'files'} passed over by their names ({names})"


def add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Adds counts to those of the same names, in place."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _most_first(counts: Mapping[str, Any], size: Callable[[Any], int]) -> list[tuple[str, Any]]:
    return sorted(counts.items(), key=lambda item: (-size(item[1]), item[0]))


def _listed(names: list[str], count: int) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if count > SHOWN else "")
