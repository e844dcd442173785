"""How fast texts become pieces with spans, on one core: litebert, Hugging Face `tokenizers`, sentencepiece.

    LITEBERT_DATA=… python -m benchmarks.tokenizing [--rounds 7] [--json]

Real texts: SST-2 and English Wikipedia for the English tokenizer, ChnSentiCorp and Chinese Wikipedia for the
Chinese one. The contenders take turns in each round, and a ratio is the median of the rounds' ratios, so that
whatever else the machine does falls on all alike. Time is the processor's. Ids and spans are read out
wherever they are to be had.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

Texts = list[str]


@dataclass(frozen=True, slots=True)
class Contender:
    """run: encode the texts and read out what is to be had; the ids of each text."""

    name: str
    run: Callable[[Texts], list[Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """texts_that_differ: how many of the texts get other ids than litebert gives them."""

    corpus: str
    contender: str
    pieces: int
    pieces_per_second: float
    litebert_is_faster_by: float
    texts_that_differ: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender takes its turn")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    data = os.environ.get("LITEBERT_DATA")
    if not data:
        sys.exit("LITEBERT_DATA is not set: it must name the folder of real data sets")
    _keep_to_one_core()
    results = list(_compare(Path(data), options.rounds))
    print(_as_json(results, options.rounds) if options.json else _as_table(results))


def _keep_to_one_core() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RAYON_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _compare(data: Path, rounds: int) -> Iterator[Result]:
    english, chinese = list(_english(data)), list(_chinese(data))
    yield from _race("SST-2", _sst2(data), english, rounds)
    yield from _race("English Wikipedia", _wikipedia(data / "wiki_en_featured", 3), english, rounds)
    yield from _race("ChnSentiCorp", _chnsenticorp(data), chinese, rounds)
    yield from _race("Chinese Wikipedia", _wikipedia(data / "wiki_zh", 8), chinese, rounds)


def _english(data: Path) -> Iterator[Contender]:
    import sentencepiece
    from transformers import AlbertTokenizer

    from litebert.text.loading import load_tokenizer

    folder = data / "albert_en_vocab"
    ours = load_tokenizer(folder)
    yield Contender("litebert", lambda texts: [(p.ids, p.spans) for p in ours.encode_many(texts)])
    theirs = AlbertTokenizer.from_pretrained(folder).backend_tokenizer
    yield Contender("tokenizers", lambda texts: _read_out(theirs, texts))
    plain = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    yield Contender("sentencepiece with offsets", lambda texts: _offsets(plain, texts))
    yield Contender(
        "sentencepiece, ids alone", lambda texts: [(ids,) for ids in plain.Encode(texts, num_threads=1)]
    )


def _chinese(data: Path) -> Iterator[Contender]:
    from tokenizers import BertWordPieceTokenizer

    from litebert.text.loading import load_tokenizer

    folder = data / "albert_zh_vocab"
    ours = load_tokenizer(folder)
    yield Contender("litebert", lambda texts: [(p.ids, p.spans) for p in ours.encode_many(texts)])
    theirs = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    yield Contender("tokenizers", lambda texts: _read_out(theirs, texts))


def _read_out(tokenizer: Any, texts: Texts) -> list[Any]:
    return [(row.ids, row.offsets) for row in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _offsets(processor: Any, texts: Texts) -> list[Any]:
    rows = processor.Encode(texts, num_threads=1, return_type="offset_mapping")
    return [(row["ids"], row["offsets"]) for row in rows]


def _race(corpus: str, texts: Texts, contenders: list[Contender], rounds: int) -> Iterator[Result]:
    """Each contender on the same texts; the first is litebert. A first turn, to warm up, tells the ids."""
    ids = [[list(row[0]) for row in contender.run(texts)] for contender in contenders]
    gc.freeze()  # What is here already is no part of the race.
    times = [[_seconds(contender, texts) for contender in contenders] for _ in range(rounds)]
    for place, contender in enumerate(contenders):
        pieces = sum(map(len, ids[place]))
        yield Result(
            corpus=corpus,
            contender=contender.name,
            pieces=pieces,
            pieces_per_second=round(pieces / median(turn[place] for turn in times)),
            litebert_is_faster_by=round(median(turn[place] / turn[0] for turn in times), 2),
            texts_that_differ=sum(a != b for a, b in zip(ids[0], ids[place], strict=True)),
        )


def _seconds(contender: Contender, texts: Texts) -> float:
    start = time.process_time()
    contender.run(texts)
    return time.process_time() - start


def _sst2(data: Path) -> Texts:
    with gzip.open(data / "glue" / "SST-2" / "train.tsv.gz", "rt", encoding="utf-8") as lines:
        return [line.split("\t")[0] for line in islice(lines, 1, 30_001)]


def _chnsenticorp(data: Path) -> Texts:
    with gzip.open(data / "chnsenticorp_zh" / "train.tsv.gz", "rt", encoding="utf-8") as lines:
        return [line.split("\t")[0] for line in lines]


def _wikipedia(folder: Path, files: int) -> Texts:
    texts: Texts = []
    for path in sorted(folder.glob("*.gz"))[:files]:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [
                line.rstrip("\n") for line in lines if line.strip() and not line.startswith(("<doc", "</doc"))
            ]
    return texts


def _as_json(results: list[Result], rounds: int) -> str:
    rows = [{name: getattr(result, name) for name in Result.__slots__} for result in results]
    return json.dumps({"rounds": rounds, "results": rows}, ensure_ascii=False, indent=2)


def _as_table(results: list[Result]) -> str:
    lines = [f"{'':18} {'':27} {'pieces/s':>12} {'litebert is':>12} {'texts with':>11}"]
    lines += [f"{'':18} {'':27} {'':>12} {'faster by':>12} {'other ids':>11}"]
    lines += [
        f"{row.corpus:18} {row.contender:27} {row.pieces_per_second:12,}"
        f" {row.litebert_is_faster_by:12} {row.texts_that_differ:11,}"
        for row in results
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
