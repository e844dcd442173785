"""The text of the embedded model: open sets alone, as files that `litebert corpus` reads.

    LITEBERT_DATA=… python -m litebert.recipes.embedded_text OUT        (pip install opencc)

English: featured Wikipedia (CC BY-SA 3.0), Project Gutenberg (public domain), SciTLDR abstracts of the
training split (Apache-2.0). Chinese: Wikipedia (CC BY-SA 3.0), the paragraphs of CMRC 2018 trial and dev
(CC BY-SA 4.0) and of DRCD dev (CC BY-SA 3.0), CSL abstracts of the dev split (Apache-2.0). Both: the sentence
pairs of Tatoeba (CC BY 2.0 FR) but for the tenth that `is_held_out` names.

Left out: wikitext-2, whose rare words are `<unk>` (and it measures perplexity), and SQuAD, which shares
paragraphs with XQuAD. Wikipedia and DRCD write mostly traditional characters while most people write
simplified ones, so three quarters of the Chinese documents, chosen by hash, are made simplified.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from litebert import durable
from litebert.data.files import File
from litebert.data.split import position
from litebert.errors import UsageError

SIMPLIFIED = 0.75
"""How many of the Chinese documents are made simplified; those that are so already stay so."""
HELD_OUT = 0.1
"""How many of Tatoeba's pairs are kept back."""
PAIRS = 12
"""How many sentence pairs make a document."""

_DOCUMENT = re.compile(r"<doc [^>]*>.*?</doc>\n?", re.DOTALL)


def write(data: Path, out: Path) -> list[Path]:
    """Write `out/*.txt` and `out/*.jsonl`, all or nothing, and return their paths. Raises `UsageError`
    without opencc."""
    simple = _simplifier()
    with durable.making(out) as made:
        _text(made / "wikipedia.en.txt", _wiki(data / "wiki_en_featured"))
        rows(made / "books.en.jsonl", _books(data / "gutenberg_en"))
        rows(made / "abstracts.en.jsonl", _scitldr(data))
        _text(made / "wikipedia.zh.txt", map(simple, _wiki(data / "wiki_zh")))
        rows(made / "paragraphs.zh.jsonl", map(simple, _paragraphs(data)))
        rows(made / "abstracts.zh.jsonl", _csl(data))
        rows(made / "pairs.jsonl", map(simple, _tatoeba(data)))
    return sorted(out.iterdir())


def is_held_out(english: str) -> bool:
    """Whether a sentence pair of Tatoeba is kept from all training, by its English side."""
    return position(" ".join(re.findall(r"\w+", english.lower()))) < HELD_OUT


def pairs(data: Path) -> Iterator[tuple[str, str]]:
    """English and Chinese sentences, those held out included."""
    for line in _lines(data / "tatoeba_cmn_eng" / "cmn_newer.txt.gz"):
        english, chinese, *_ = line.split("\t")
        yield english, chinese


def _simplifier() -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ImportError:
        raise UsageError("to make Chinese simplified, this recipe needs OpenCC: pip install opencc") from None
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return lambda text: convert(text) if position(text) < SIMPLIFIED else text


def _wiki(folder: Path) -> Iterator[str]:
    """WikiExtractor's documents, each with its `<doc>` and `</doc>`."""
    for path in sorted(folder.glob("*.txt.gz")):
        for found in _DOCUMENT.finditer(_whole(path)):
            yield found[0]


def _books(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("pg*")):
        yield _whole(path, "cp1252")


def _scitldr(data: Path) -> Iterator[str]:
    for line in _lines(data / "scitldr" / "train.jsonl.gz"):
        yield " ".join(sentence.strip() for sentence in json.loads(line)["source"])


def _paragraphs(data: Path) -> Iterator[str]:
    """Each once: CMRC's trial and dev hold one for several questions."""
    contexts: dict[str, None] = {}
    for name in ("cmrc2018_zh/cmrc2018_trial", "cmrc2018_zh/cmrc2018_dev", "drcd_zh/DRCD_dev"):
        articles: list[dict[str, Any]] = json.loads(_whole(data / f"{name}.json.gz"))["data"]
        for article in articles:
            contexts.update((paragraph["context"], None) for paragraph in article["paragraphs"])
    yield from contexts


def _csl(data: Path) -> Iterator[str]:
    for line in _lines(data / "csl_title_zh" / "dev.tsv.gz"):
        yield line.split("\t")[1]


def _tatoeba(data: Path) -> Iterator[str]:
    """A dozen pairs to a document, each sentence with its translation; in an order that is no order."""
    kept = [pair for pair in pairs(data) if not is_held_out(pair[0])]
    kept.sort(key=lambda pair: sha256("\t".join(pair).encode()).digest())
    for at in range(0, len(kept), PAIRS):
        yield "\n".join(f"{english}\n{chinese}" for english, chinese in kept[at : at + PAIRS])


def _whole(path: Path, otherwise: str = "utf-8") -> str:
    """A file's text, in UTF-8 or else in that encoding: some of the older books are in Windows-1252."""
    file = File(str(path))
    try:
        raw = file.whole()
    finally:
        file.close()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode(otherwise)


def _lines(path: Path) -> list[str]:
    return [line for line in _whole(path).split("\n") if line.strip()]


def _text(path: Path, texts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(texts)


def rows(path: Path, texts: Iterable[str]) -> None:
    """Write texts as JSONL."""
    _text(path, (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))


if __name__ == "__main__":
    print(*write(Path(os.environ["LITEBERT_DATA"]), Path(sys.argv[1])), sep="\n")
