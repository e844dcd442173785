"""`litebert train`: fine-tune a model on labelled data; go on where a run was stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from litebert.errors import UsageError
from litebert.training.settings import TrainSettings
from litebert.verbs.columns import Columns

if TYPE_CHECKING:
    from litebert.data.examples import Examples
    from litebert.run import Source
    from litebert.tasks.task import Task
    from litebert.training.events import Watcher
    from litebert.training.fit import Job

RUN = "run.json"
COMPILED_SHARE = 3e15
"""Multiplications above which compiling the small kernels, half a minute, is soon won back."""


@dataclass(frozen=True, kw_only=True)
class Train:
    """Fine-tune a model on labelled data, keep the weights that are best on dev, and say how good they are.

    The same command goes on with a run that was stopped, and on a finished one prints its results.

    Example: litebert train --task classification --train reviews.both --out runs/reviews
    """

    train: str
    """A file, several with commas, or a source such as glue.sst2."""
    out: Path
    """The run's folder."""
    task: str | None = None
    """classification, multilabel, regression; left out, by the source or the model."""
    dev: str | None = None
    """What the best weights are chosen by; left out, the source's own, or a tenth split off by hash."""
    model: str | None = None
    """A run or Hugging Face folder, a hub name, or config:NAME (new weights); left out, the embedded one."""
    tokenizer: str | None = None
    """For new weights: a folder or file; left out, the embedded one."""
    max_pieces: int = 512
    """The most pieces of one text, or pair."""
    on_long: Literal["truncate", "window", "refuse"] = "truncate"
    """What becomes of a longer one: cut and counted, read in windows, or refused."""
    dropout: float | None = None
    """Of the encoder; left out, by the preset or the model."""
    columns: Columns = field(default_factory=Columns)
    settings: TrainSettings = field(default_factory=TrainSettings)
    progress: Literal["auto", "bar", "plain", "json", "silent"] = "auto"
    """How to show what happens, on standard error; auto is a bar in a terminal, else plain lines."""
    overwrite: bool = False
    """Start anew where the folder holds another run."""

    def run(self) -> dict[str, Any]:
        """Trains, or goes on, and returns what `results.json` holds."""
        from litebert.training.fingerprint import claim
        from litebert.training.lock import alone

        prepared = _prepare(self)
        self.out.mkdir(parents=True, exist_ok=True)
        with alone(self.out):
            claim(self.out, prepared.fingerprint, overwrite=self.overwrite)
            return prepared.finished() or prepared.train()

    def main(self) -> int:
        results = self.run()["dev"]
        low, high = results["intervals"].get(_chief(results), (None, None))
        between = f" (95 %: {low:.4f} to {high:.4f})" if low is not None else ""
        print(
            f"{_chief(results)} {results[_chief(results)]:.4f}{between} on {results['examples']} dev examples"
        )
        print(f"The model, its card, curves and worst mistakes are in {self.out}. Try:")
        print(f"""  echo '{{"text": "…"}}' | litebert predict --model {self.out} --input - --output -""")
        return 0


def train(*, train: str, out: str | Path, **options: Any) -> dict[str, Any]:
    """Fine-tune a model and return its results on dev. Options are `Train`'s fields and `TrainSettings`'s."""
    ours = {name: options.pop(name) for name in list(options) if name in Train.__dataclass_fields__}
    named = {f"{name}_column": options.pop(f"{name}_column", None) for name in ("text", "second", "label")}
    unknown = options.keys() - TrainSettings.__dataclass_fields__.keys()
    if unknown:
        raise UsageError(f"train has no option {', '.join(sorted(unknown))}")
    ours.setdefault("settings", TrainSettings(**options))
    ours.setdefault("columns", Columns(**named))
    return Train(train=train, out=Path(out), **ours).run()


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A run before its first step: everything that its result follows from."""

    verb: Train
    settings: TrainSettings
    source: Source
    task: Task[Any, Any]
    parts: dict[str, Examples[Any, Any]]
    notes: tuple[str, ...]
    fused: bool

    @property
    def fingerprint(self) -> dict[str, str]:
        from litebert.tasks.task import to_json
        from litebert.training.fingerprint import fingerprint

        return fingerprint(
            self.settings,
            data={name: _hash(part) for name, part in self.parts.items()},
            model=_hash_of_model(self.source),
            tokenizer=self.source.tokenizer.fingerprint,
            task=json.dumps(to_json(self.task), ensure_ascii=False),
            fused=str(self.fused),
        )

    def finished(self) -> dict[str, Any] | None:
        """The results of a run that is over."""
        from litebert.training.outcome import RESULTS

        path = self.verb.out / RESULTS
        if not path.is_file():
            return None
        _say(f"{self.verb.out} holds this run, finished; --overwrite would repeat it", self.verb)
        results: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return results

    def train(self) -> dict[str, Any]:
        from litebert.model.fusion import fusing
        from litebert.training import durable
        from litebert.training.fit import fit
        from litebert.training.outcome import About, conclude

        for note in self.notes:
            _say(note, self.verb)
        out = self.verb.out
        durable.replace(out / RUN, json.dumps(_repeat(self), indent=2, ensure_ascii=False).encode() + b"\n")
        model = self.source.model(self.task, self.settings.seed)
        with fusing(self.fused):
            fit(model, self._job(model), out, watch=_watchers(self.verb))
        about = About(
            name=str(out),
            data={name: self._described(name) for name in self.parts},
            settings={name: str(value) for name, value in asdict(self.settings).items()},
            notes=[note for note in self.notes if "new weights" in note],
        )
        return conclude(out, model, self.task, self.source.tokenizer, self.parts["dev"].rows, about)

    def _job(self, model: Any) -> Job:
        from litebert.data.batches import Batches
        from litebert.data.encoded import encode_all
        from litebert.run import dtype_of
        from litebert.training.fit import Job
        from litebert.training.objectives.finetuning import Finetuning

        model.encoder.dtype = dtype_of(self.settings.precision)
        encoded = encode_all(self.task, self.source.tokenizer, self.parts["train"].rows)
        if encoded.truncated:
            cut = f"{encoded.truncated} of {len(encoded)} training texts"
            _say(f"{cut} are longer than {self.task.max_pieces} pieces and are cut there", self.verb)
        assert self.settings.batch_size is not None
        return Job(
            objective=Finetuning(self.task),
            batches=Batches(encoded, self.settings.batch_size, self.settings.seed),
            settings=self.settings,
            evaluate=_judge(self),
            chief=self.task.best,
            chance=_chance(self.task, self.parts["train"]),
            dev_samples=len(self.parts["dev"]),
        )

    def _described(self, name: str) -> str:
        where = self.verb.train if name == "train" else self.verb.dev or f"split off {self.verb.train}"
        return f"{where}: {len(self.parts[name])} examples"


def _prepare(verb: Train) -> _Prepared:
    from litebert.run import open_source
    from litebert.training.presets import preset

    source = open_source(verb.model, tokenizer=verb.tokenizer)
    parts, notes = _read(verb, source)
    task = parts["train"].task
    chosen = preset(source.config, pretrained=source.checkpoint is not None, examples=len(parts["train"]))
    settings = chosen.fill(verb.settings)
    source = source.with_dropout(chosen.dropout if verb.dropout is None else verb.dropout)
    notes = (*source.notes, *notes, f"settings: {_brief(settings)}")
    return _Prepared(
        verb, settings, source, task, parts, notes, _worth_fusing(source, parts["train"], settings)
    )


def _read(verb: Train, source: Source) -> tuple[dict[str, Examples[Any, Any]], tuple[str, ...]]:
    """train and dev, and what there is to say of them."""
    from litebert.data.examples import read, sibling
    from litebert.data.split import split_off

    task = _task(verb, source)
    train = read(verb.train, task, fit=True, columns=verb.columns.named())
    where = verb.dev or sibling(verb.train, "dev")
    if where:
        dev = read(
            where, train.task, columns=verb.columns.named() if verb.dev else None, split=("dev", "test")
        )
        notes = (*train.notes, *dev.notes, f"train: {len(train)} examples; dev: {len(dev)}, {where}")
    else:
        train, dev = split_off(train)
        notes = (
            *train.notes,
            f"dev: {len(dev)} of {verb.train}, split off by hash; train: the other {len(train)}",
        )
    return {"train": train, "dev": dev}, notes


def _task(verb: Train, source: Source) -> Task[Any, Any] | None:
    from litebert.tasks.task import named

    if verb.task:
        return named(verb.task)(max_pieces=verb.max_pieces, on_long=verb.on_long)
    return source.task


def _judge(prepared: _Prepared) -> Any:
    """Dev's measures of a model as it is."""
    from litebert.engine.predictor import Predictor
    from litebert.engine.runners.eager import Eager
    from litebert.evaluation.evaluate import evaluate
    from litebert.training.progress import Verdict

    def judge(model: Any) -> Verdict:
        predictor: Predictor[Any, Any] = Predictor(
            Eager(model, model.encoder.dtype), prepared.task, prepared.source.tokenizer
        )
        found = evaluate(predictor, prepared.parts["dev"].rows, intervals=False)
        answers = {getattr(output, "label", output) for output in found.outputs}
        return Verdict(found.metrics, constant=len(answers) < 2)

    return judge


def _watchers(verb: Train) -> Sequence[Watcher]:
    from litebert.training.report.bar import bar
    from litebert.training.report.lines import json_lines, plain_lines
    from litebert.training.report.metrics import metrics_log
    from litebert.training.report.tensorboard import tensorboard

    kept = [metrics_log(verb.out / "metrics.jsonl"), tensorboard(verb.out / "events")]
    auto = "bar" if sys.stderr.isatty() else "plain"
    shown = {"bar": bar, "plain": plain_lines, "json": json_lines, "silent": None}
    make = shown[auto if verb.progress == "auto" else verb.progress]
    return [*kept, make()] if make else kept


def _chance(task: Task[Any, Any], examples: Examples[Any, Any]) -> float | None:
    """The loss of knowing only how frequent each class is; None where there are no classes."""
    import math
    from collections import Counter

    if task.problem != "single_label_classification":
        return None
    counts = Counter(example.wanted.label for example in examples)
    return -sum(n / len(examples) * math.log(n / len(examples)) for n in counts.values())


def _worth_fusing(source: Source, examples: Examples[Any, Any], settings: TrainSettings) -> bool:
    """Whether the run is long enough for kernels to be compiled first; by the data and settings alone."""
    from litebert.model.fusion import compiler

    assert settings.epochs is not None and settings.batch_size is not None
    letters = sum(len(str(example.given)) for example in examples)
    passes = (
        settings.epochs if settings.steps is None else settings.steps * settings.batch_size / len(examples)
    )
    layer = 4 * source.config.hidden**2 + 2 * source.config.hidden * source.config.intermediate
    return compiler() is not None and passes * letters / 4 * layer * source.config.layers * 6 > COMPILED_SHARE


def _hash(examples: Examples[Any, Any]) -> str:
    from hashlib import sha256

    digest = sha256()
    for example in examples:
        digest.update(repr((example.given, example.wanted)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _hash_of_model(source: Source) -> str:
    from hashlib import sha256

    digest = sha256(repr(source.config).encode())
    if source.checkpoint is not None:
        for name, tensor in sorted(source.checkpoint.encoder.items()):
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _repeat(prepared: _Prepared) -> dict[str, Any]:
    """The command with every default written out, and what it was run with."""
    verb = replace(prepared.verb, settings=prepared.settings)
    return {
        "verb": "train",
        **json.loads(json.dumps(asdict(verb), default=str)),
        "ran_with": prepared.fingerprint,
    }


def _brief(settings: TrainSettings) -> str:
    return (
        f"learning rate {settings.learning_rate:g}, batches of {settings.batch_size}, "
        f"{settings.epochs:g} epochs, {settings.optimizer}, seed {settings.seed}"
    )


def _chief(results: dict[str, Any]) -> str:
    return next(name for name in ("accuracy", "pearson", "micro_f1") if name in results)


def _say(note: str, verb: Train) -> None:
    if verb.progress not in ("json", "silent"):
        print(note, file=sys.stderr)
