"""Questions with answers to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litebert.data.example import Examples
from litebert.data.source import Read, Source, by_hash, from_file
from litebert.tasks.choice import Choice

CHOICE = Choice()


_COLUMNS = {name: name for name in ("question", "options", "passage", "index")}


def _read(name: str) -> Read:
    return from_file(name, CHOICE, _COLUMNS)


def _both(*names: str) -> Read:
    """The examples of several files."""
    parts = [_read(name) for name in names]

    def read() -> Examples[Any, Any]:
        found = [part() for part in parts]
        rows = [example for one in found for example in one]
        return replace(found[0], rows=rows, notes=tuple(note for one in found for note in one.notes))

    return read


race_middle = Source(
    CHOICE,
    {split: _read(f"race/{split}_middle.jsonl") for split in ("train", "dev")},
    "RACE, English exams of Chinese middle schools (Lai et al. 2017)",
)
race_high = Source(
    CHOICE,
    by_hash(_read("race/train_high.jsonl")),
    "RACE, of high schools: 4,000 passages of its train",
)
dream = Source(
    CHOICE,
    {split: _read(f"dream/{split}.json") for split in ("train", "dev")},
    "DREAM: what was said in an English dialogue? (Sun et al. 2019)",
)
c3 = Source(
    CHOICE,
    {split: _both(f"c3_zh/c3-d-{split}.json", f"c3_zh/c3-m-{split}.json") for split in ("train", "dev")},
    "C3: Chinese dialogues and texts, 2 to 4 options (Sun et al. 2020)",
)
commonsense = Source(
    CHOICE,
    {split: _read(f"commonsenseqa/{split}_rand_split.jsonl") for split in ("train", "dev")},
    "CommonsenseQA: 5 options, nothing to read (Talmor et al. 2019)",
)
copa = Source(
    CHOICE,
    {**by_hash(_read("copa/copa-dev.xml")), "test": _read("copa/copa-test.xml")},
    "COPA: which is the cause, or the effect? (Roemmele et al. 2011)",
)
