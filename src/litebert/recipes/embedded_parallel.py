"""Chinese sentences and their English translations, by which litebert-tiny's Chinese comes to mean the same.

    LITEBERT_DATA=… python -m litebert.recipes.embedded_parallel OUT

writes `OUT`, JSONL of {"text", "translation"}, from Tatoeba (CC BY 2.0 FR); a tenth by hash of the English
side is left out, for judging.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from litebert import durable

KEPT = 0.9


def write(data: Path, out: Path) -> int:
    """Writes the file and returns how many pairs it holds."""
    pairs = dict.fromkeys(pair for pair in tatoeba(data / "tatoeba_cmn_eng") if to_learn_from(pair[1]))
    rows = ({"text": chinese, "translation": english} for chinese, english in pairs)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    durable.replace(out, lines.encode())
    return len(pairs)


def tatoeba(folder: Path) -> Iterator[tuple[str, str]]:
    """Chinese, English."""
    for path in sorted(folder.glob("cmn*.txt*")):
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open() as file:
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row[1].strip(), row[0].strip()


def to_learn_from(english: str) -> bool:
    """Whether a pair is for training, and not for judging."""
    share = int.from_bytes(sha256(english.encode()).digest()[:8]) / 2**64
    return share < KEPT


if __name__ == "__main__":
    print(write(Path(os.environ["LITEBERT_DATA"]), Path(sys.argv[1])))
