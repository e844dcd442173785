"""The first 20,000 pieces of the vocabulary that comes with the package, of English and Chinese, by published
settings; `embedded_pieces.py` adds the others.

    python -m litebert.recipes.embedded_vocabulary TEXT OUT

trains `OUT/spiece.model` on the text that `embedded_text.py` wrote to the folder TEXT, cleaned and without
duplicates as `litebert corpus` has it. All 3,755 characters of GB2312's first level are pieces, and the
others that the text needs; no Chinese piece goes over the edge of a word. Needs some minutes and 3 GB.
"""

from __future__ import annotations

import sys
from pathlib import Path

from litebert import durable
from litebert.data.corpus.distinct import sentences
from litebert.data.corpus.report import Report
from litebert.data.corpus.settings import Settings
from litebert.data.corpus.words import jieba
from litebert.text.han import gb2312_level_1
from litebert.text.vocabulary import train_sentencepiece

SIZE = 20_000
COVERAGE = 0.9998
"""The published 0.99995 would make pieces of 1,700 characters more, each of which the text has few times."""


def train(text: Path, out: Path) -> Path:
    """Write `out/spiece.model` and return its path."""
    tokenizer = train_sentencepiece(
        sentences([text], Settings(), Report()),
        SIZE,
        cut=jieba(),
        characters=gb2312_level_1(),
        coverage=COVERAGE,
    )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "spiece.model"
    durable.replace(path, tokenizer.model)
    return path


if __name__ == "__main__":
    print(train(Path(sys.argv[1]), Path(sys.argv[2])))
