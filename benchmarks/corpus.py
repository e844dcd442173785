"""How fast text becomes a corpus, on one core and on two, and samples are drawn from it.

    LITEBERT_DATA=… python -m benchmarks.corpus [--tokenizer DIR] [--rounds 3]

English and Chinese Wikipedia with all that `litebert corpus` does by default: cleaning, sentences, near
duplicates, words. MB are those of the unpacked text. One worker and two take turns; `per core` divides by the
processor's time, which a busy machine lengthens less than the clock's. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from litebert.data.corpus.build import build
from litebert.data.corpus.reader import Corpus
from litebert.data.masking import Instances
from litebert.data.masking_settings import Masking
from litebert.embedded import tokenizer_folder

SETS = ("wiki_en_featured", "wiki_zh")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokenizer", type=Path, default=tokenizer_folder())
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    data = Path(os.environ["LITEBERT_DATA"])
    with tempfile.TemporaryDirectory() as scratch:
        found = {
            name: _built(data / name, given.tokenizer, given.rounds, Path(scratch, name)) for name in SETS
        }
    print(json.dumps(found, indent=1))


def _built(source: Path, tokenizer: Path, rounds: int, scratch: Path) -> dict[str, Any]:
    size = sum(len(gzip.decompress(file.read_bytes())) for file in source.glob("*.gz")) / 1e6
    clock: dict[int, list[float]] = {1: [], 2: []}
    cores: list[float] = []
    for number in range(rounds):
        for workers in (1, 2):
            out = scratch / f"{number}-{workers}"
            build_it = lambda out=out, workers=workers: build([source], out, tokenizer, workers=workers)  # noqa: E731
            seconds, busy = _timed(build_it)
            clock[workers].append(seconds)
            cores.append(size / busy)
    return {
        "MB": round(size, 1),
        "MB/s per core": round(median(cores), 2),
        "MB/s, 1 worker": round(size / median(clock[1]), 2),
        "MB/s, 2 workers": round(size / median(clock[2]), 2),
        "2 workers / 1": round(median(one / two for one, two in zip(clock[1], clock[2], strict=True)), 2),
        "samples, pieces/s per core": {
            f"{length}, {name}": _drawn(Corpus(scratch / "0-1"), length, masking)
            for length in (128, 512)
            for name, masking in (("default", Masking()), ("faithful", Masking(faithful=True)))
        },
    }


def _drawn(corpus: Corpus, length: int, masking: Masking) -> int:
    instances = Instances(corpus, length, 0, masking)
    instances.batch([0])
    count = 0
    started = time.process_time()
    for number in range(50):
        count += instances.batch(range(number * 64, number * 64 + 64)).packed.count
    return round(count / (time.process_time() - started))


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of the processors, children's included."""
    clock, busy = time.perf_counter(), _busy()
    run()
    return time.perf_counter() - clock, _busy() - busy


def _busy() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    main()
