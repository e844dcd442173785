"""The vocabulary that comes with the package: 20,000 pieces, English and Chinese, by the published settings.

    LITEBERT_DATA=… python -m litebert.recipes.embedded_vocabulary OUT

trains `OUT/spiece.model` on open text alone: featured English Wikipedia and Chinese Wikipedia
(CC BY-SA 3.0) and Project Gutenberg (public domain): a Chinese character says as much as three letters.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

SIZE = 20_000
SYMBOLS = ["(", ")", '"', "-", ".", "–", "£", "€"]
SHARE = {"wiki_en_featured": 16_000_000, "gutenberg_en": 3_000_000, "wiki_zh": 7_000_000}
"""Characters taken of each set."""


def train(data: Path, out: Path) -> Path:
    """Write `out/spiece.model` and return its path. Needs some minutes and 4 GB of memory."""
    import sentencepiece

    out.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines(data),
        model_prefix=str(out / "spiece"),
        vocab_size=SIZE,
        model_type="unigram",
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols=SYMBOLS,
        character_coverage=0.9995,
        input_sentence_size=10_000_000,
        shuffle_input_sentence=False,
        minloglevel=1,
    )
    return out / "spiece.model"


def lines(data: Path) -> Iterator[str]:
    """Normalised lines of each set up to its share."""
    for name, share in SHARE.items():
        taken = 0
        for text in _texts(data / name):
            if taken >= share:
                break
            taken += len(text)
            yield normalise(text)


def normalise(text: str) -> str:
    """As the English tokenizer does before SentencePiece (`tokenization.py`)."""
    wide = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(c for c in wide if not unicodedata.combining(c)).lower()


def _texts(folder: Path) -> Iterator[str]:
    """Pieces of running text, some hundred characters each, spread evenly over the folder's files."""
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".gz", ".txt")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", errors="replace") as file:
            for line in file:
                text = re.sub(r"<[^>]*>", " ", line).strip()
                for start in range(0, len(text), 2000):
                    if len(part := text[start : start + 2000]) >= 20:
                        yield part


if __name__ == "__main__":
    train(Path(os.environ["LITEBERT_DATA"]), Path(sys.argv[1]))
