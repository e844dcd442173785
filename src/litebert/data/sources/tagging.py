"""Tags of words."""

from __future__ import annotations

from litebert.data.source import Read, Source, by_hash, from_file
from litebert.tasks.tagging import Tagging

TASK = Tagging()


def _conll2000(split: str) -> Read:
    return from_file(f"nltk_corpora/conll2000.zip/conll2000/{split}.txt", TASK, {}, format="conll")


def _conll2003(column: str) -> dict[str, Read]:
    return {
        split: from_file(f"conll2003_en/eng.{file}", TASK, {"tags": column}, format="conll")
        for split, file in {"train": "train", "dev": "testa"}.items()
    }


conll2000 = Source(
    TASK,
    {**by_hash(_conll2000("train")), "test": _conll2000("test")},
    "CoNLL-2000: chunks of phrases in the Wall Street Journal (Tjong Kim Sang & Buchholz 2000)",
)
pos2003 = Source(TASK, _conll2003("1"), "The parts of speech of CoNLL-2003, by Daelemans' tagger")
