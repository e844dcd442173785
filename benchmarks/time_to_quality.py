"""How long litebert takes to the masked-language loss that transformers' recipe reaches in so many minutes.

    LITEBERT_DATA=… python -m benchmarks.time_to_quality [--minutes 30] [--share 0.25]

Both pretrain the shape of albert-zh-tiny on the same corpus, samples and order, on one thread. Minutes are
those of the processor, so that others on the machine cost neither side anything. A short trial of its own
speed tells each beforehand how many updates it has, so that it ends its schedule (2.5 % warm-up, then
down to nothing) when its time is over: transformers after `--minutes`, litebert after `--share` of them.
transformers is `AlbertForPreTraining` under bf16 autocast with AdamW, in updates of 32 samples; litebert
is `litebert pretrain` with the same optimiser and rate, or with what the flags say. The judge is the
same for both: masked samples of a held-out file, guessed by transformers. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.pretrain import config_of, padded

SHAPE, LENGTH = "tiny", 128
WARMUP = 0.025
TRIAL, WARM = 12, 4
"""Updates of the trial, and of these the first, which are not counted."""
JUDGED = 1024
"""Held-out samples."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--optimizer", default="adamw")
    parser.add_argument("--stack", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sides", nargs="+", default=["transformers", "litebert"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train, dev = corpora(Path(folder))
        told: dict[str, Any] = {}
        for side in given.sides:
            limit = given.minutes * (given.share if side == "litebert" else 1.0)
            model, told[side] = SIDES[side](train, limit * 60, given, Path(folder))
            told[side]["held_out_loss"] = round(held_out(model, dev), 4)
    print(json.dumps(told, indent=1))


def corpora(folder: Path) -> tuple[Path, Path]:
    """Featured Wikipedia but for its last file, and that one, in ALBERT's own vocabulary."""
    from litebert.data.corpus.build import build
    from litebert.data.corpus.settings import Settings

    data = Path(os.environ["LITEBERT_DATA"])
    *files, last = sorted((data / "wiki_en_featured").glob("*.gz"))
    for name, part in (("train", files), ("dev", [last])):
        build(part, folder / name, data / "albert_en_vocab" / "spiece.model", Settings(), workers=2)
    return folder / "train", folder / "dev"


def batches_of(corpus: Path, size: int, seed: int = 1) -> Any:
    from litebert.data.corpus.reader import Corpus
    from litebert.data.masking import Instances
    from litebert.data.pretraining_batches import PretrainingBatches

    return PretrainingBatches(Instances(Corpus(corpus), LENGTH, seed), size)


def transformers(
    corpus: Path, seconds: float, given: argparse.Namespace, _: Path
) -> tuple[Any, dict[str, Any]]:
    """Its model, trained for so long."""
    import torch

    torch.set_num_threads(1)
    batches, model = batches_of(corpus, 32, given.seed), theirs(given.seed)
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def update(number: int, rate: float) -> None:
        for group in adamw.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**padded(batches(number), LENGTH)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        adamw.zero_grad(set_to_none=True)

    for number in range(TRIAL):
        if number == WARM:
            started = process_time()
        update(number, 0.0)
    each = (process_time() - started) / (TRIAL - WARM)
    steps, started = max(1, int(seconds / each)), process_time()
    for number in range(steps):
        update(number, 1e-3 * linear(number, steps))
    return model, {"updates": steps, "minutes": round((process_time() - started) / 60, 2)}


def linear(number: int, steps: int) -> float:
    """Up over the first updates, then down to nothing."""
    warm = max(1, round(WARMUP * steps))
    return (number + 1) / warm if number < warm else (steps - number) / (steps - warm)


def litebert(
    corpus: Path, seconds: float, given: argparse.Namespace, folder: Path
) -> tuple[Any, dict[str, Any]]:
    """Its model as transformers opens it, trained for so long, start and compiling included."""
    from transformers import AlbertForPreTraining

    from litebert.verbs.pretrain import pretrain

    options = options_of(corpus, given, folder)

    def run(steps: int, out: Path) -> float:
        started = process_time()
        pretrain(**options, steps=steps, out=out)
        return process_time() - started

    run(1, folder / "warm")
    short, longer = run(TRIAL, folder / "short"), run(3 * TRIAL, folder / "longer")
    each = (longer - short) / (2 * TRIAL)
    steps = max(1, int((seconds - short) / each) + TRIAL)
    spent = run(steps, folder / "litebert")
    rows = [json.loads(line) for line in (folder / "litebert" / "metrics.jsonl").read_text().splitlines()]
    model = AlbertForPreTraining.from_pretrained(folder / "litebert")
    return model, {
        "updates": steps,
        "minutes": round(spent / 60, 2),
        "pieces_an_update": round(sum(row["pieces"] for row in rows) / len(rows)),
    }


def options_of(corpus: Path, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Of `litebert pretrain`: all but how many updates and where."""
    return {
        "corpus": corpus,
        "model": str(new(folder / "new", given.seed)),
        "length": LENGTH,
        "stack": tuple(given.stack),
        "optimizer": given.optimizer,
        "schedule": "linear",
        "warmup": WARMUP,
        "learning_rate": given.learning_rate,
        "epsilon": 1e-8,  # As torch has it.
        "batch_size": given.batch_size,
        "seed": given.seed,
        "threads": 1,
        "progress": "silent",
    }


SIDES = {"transformers": transformers, "litebert": litebert}


def theirs(seed: int) -> Any:
    """New weights, drawn as transformers draws them."""
    from transformers import AlbertForPreTraining

    from benchmarks.theirs import albert

    return albert(AlbertForPreTraining, config_of(SHAPE), seed)


def new(folder: Path, seed: int) -> Path:
    """A folder with the same shape, to begin from."""
    theirs(seed).save_pretrained(folder)
    (folder / "spiece.model").write_bytes(
        (Path(os.environ["LITEBERT_DATA"]) / "albert_en_vocab" / "spiece.model").read_bytes()
    )
    return folder


def held_out(model: Any, dev: Path) -> float:
    """The mean loss of masked pieces, by transformers in fp32."""
    import torch
    from torch.nn.functional import cross_entropy

    batches, total, count = batches_of(dev, 32), 0.0, 0
    model.eval()
    for number in range(min(JUDGED // 32, batches.per_epoch)):
        given = padded(batches(number), LENGTH)
        labels = given.pop("labels").flatten()
        given.pop("sentence_order_label")
        with torch.no_grad():
            scores = model(**given).prediction_logits.flatten(0, 1)
        total += float(cross_entropy(scores, labels, ignore_index=-100, reduction="sum"))
        count += int((labels != -100).sum())
    return total / count


if __name__ == "__main__":
    main()
