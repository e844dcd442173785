"""Real texts of several lengths, by the names of their sets, from the folder that `LITEBERT_DATA` names."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from litebert.tasks.texts import Text


def _lines(name: str) -> Iterator[str]:
    with gzip.open(Path(os.environ["LITEBERT_DATA"]) / name, "rt", encoding="utf-8") as file:
        yield from (line.rstrip("\n") for line in file)


def _sst2() -> Iterator[Text]:
    yield from (Text(line.split("\t")[1]) for line in list(_lines("glue/SST-2/test.tsv.gz"))[1:])


def _ag() -> Iterator[Text]:
    yield from (Text(f"{row[1]} {row[2]}") for row in csv.reader(_lines("ag_news/test.csv.gz")))


def _imdb() -> Iterator[Text]:
    yield from (Text(json.loads(line)["text"]) for line in _lines("imdb/train.0of4.jsonl.gz"))


def _chn() -> Iterator[Text]:
    yield from (Text(line.split("\t")[0]) for line in _lines("chnsenticorp_zh/dev.tsv.gz"))


def _passages() -> Iterator[Text]:
    data = json.loads("".join(_lines("squad_v2_half/dev-v2.0.half.json.gz")))["data"]
    for paragraph in (paragraph for article in data for paragraph in article["paragraphs"]):
        yield from (Text(asked["question"], paragraph["context"]) for asked in paragraph["qas"])


SETS: dict[str, tuple[Callable[[], Iterator[Text]], int, str]] = {
    "sst2": (_sst2, 512, "albert_en_vocab/spiece.model"),
    "ag": (_ag, 512, "albert_en_vocab/spiece.model"),
    "imdb": (_imdb, 512, "albert_en_vocab/spiece.model"),
    "chn": (_chn, 512, "albert_zh_vocab/vocab.txt"),
    "passages": (_passages, 384, "albert_en_vocab/spiece.model"),
}
"""By name: the texts, at how many pieces they are cut, and whose vocabulary reads them."""


def texts_of(name: str, most: int) -> list[Text]:
    """`most` of them, from all over the set."""
    found = list(SETS[name][0]())
    return found[:: max(1, len(found) // most)][:most]
