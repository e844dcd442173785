"""A model by its name, opened; a run's folder, written.

A name is a run folder, a Hugging Face folder, a TensorFlow checkpoint, a hub name, a published configuration
as `config:albert-zh-tiny` (new weights), or nothing: the embedded model.

A run's folder is a Hugging Face folder (`config.json`, `model.safetensors`, the tokenizer's files), so that
`transformers` opens it, with `task.json`, which says what the head is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from litebert.embedded import model_folder, tokenizer_folder
from litebert.errors import ModelError, UsageError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.files import read_json, write_json
from litebert.model.checkpoints.google import write_google
from litebert.model.checkpoints.hub import resolve
from litebert.model.checkpoints.huggingface_config import config_from_huggingface
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.config import EncoderConfig, Sharing, published
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.model.sharing import convert_sharing
from litebert.tasks.task import Task, from_json, named, to_json
from litebert.text.loading import load_tokenizer
from litebert.text.tokenizer import Tokenizer

PUBLISHED = "config:"
TASK = "task.json"
EMBEDDED = "the embedded model, litebert-tiny"


@dataclass(frozen=True, eq=False)
class Source:
    """What a model's name led to: weights, or only a configuration; and the tokenizer."""

    name: str
    config: EncoderConfig
    checkpoint: Checkpoint | None
    """None where the weights start afresh."""
    tokenizer: Tokenizer
    task: Task[Any, Any] | None
    """What its head is for, if it has one."""
    notes: tuple[str, ...] = ()
    """Sentences to show: what is random, missing or was decided."""

    def model(self, task: Task[Any, Any], seed: int = 1) -> Model:
        """An encoder with these weights under `task`'s head; what is new is drawn from `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = self.checkpoint.build() if self.checkpoint else Encoder(self.config)
            head = task.head(self.config)
        self._fill(head, task)
        return Model(encoder, head)

    def with_dropout(self, rate: float | None) -> Source:
        """The same with this dropout inside the encoder; None leaves it as it is."""
        if rate is None:
            return self
        config = replace(self.config, hidden_dropout=rate, attention_dropout=rate)
        checkpoint = replace(self.checkpoint, config=config) if self.checkpoint else None
        return replace(self, config=config, checkpoint=checkpoint)

    def _fill(self, head: torch.nn.Module, task: Task[Any, Any]) -> None:
        """The head's weights from the checkpoint, where it was trained for this very task."""
        if self.checkpoint is None or self.task is None or to_json(self.task) != to_json(task):
            return
        weights = self.checkpoint.head(task.head_name)
        if weights:
            head.load_state_dict({f"output.{name}": tensor for name, tensor in weights.items()})


def open_source(name: str | None, *, tokenizer: str | None = None) -> Source:
    """What a model's name leads to. Raises `ModelError` or `UsageError` with the nearest name."""
    if name is None:
        source = _open_folder(model_folder(), EMBEDDED)
    elif name.startswith(PUBLISHED):
        source = _open_published(name)
    else:
        source = _open_folder(resolve(name), name)
    return _with_tokenizer(source, tokenizer) if tokenizer else source


def save(folder: Path, model: Model, task: Task[Any, Any], tokenizer: Tokenizer) -> None:
    """Write a whole model: what `open_model`, and `transformers`, read again."""
    head = {
        f"{task.head_name}.{name.removeprefix('output.')}": tensor.detach()
        for name, tensor in model.head.state_dict().items()
    }
    checkpoint = Checkpoint(
        config=model.encoder.config,
        encoder={name: tensor.detach() for name, tensor in model.encoder.state_dict().items()},
        heads=head,
        architecture=task.architecture,
        labels=tuple(getattr(task, "labels", ())),
        problem=task.problem,
    )
    write_folder(folder, checkpoint, pad=tokenizer.pad)
    tokenizer.save(folder)
    write_json(folder / TASK, to_json(task))


def dtype_of(precision: str) -> torch.dtype:
    """`auto` is bf16 where the chip has it."""
    known = {"auto": fastest_dtype(), "fp32": torch.float32, "bf16": torch.bfloat16}
    if precision not in known:
        raise UsageError(f"precision must be one of {', '.join(known)}, but is {precision!r}")
    return known[precision]


def _open_folder(path: Path, name: str) -> Source:
    if not _has_weights(path):
        return _open_config(path, name)
    checkpoint = open_checkpoint(path)
    report = str(checkpoint.report)
    return Source(
        name=name,
        config=checkpoint.config,
        checkpoint=checkpoint,
        tokenizer=load_tokenizer(path),
        task=_task_of(path, checkpoint),
        notes=(f"{name}: {report}",) if report else (),
    )


def _has_weights(path: Path) -> bool:
    """Whatever `open_checkpoint` would look for; a folder with a configuration alone starts afresh."""
    return (
        not path.is_dir()
        or any(path.glob("*.safetensors*"))
        or any(path.glob("*.bin"))
        or any(path.glob("*.index"))
    )


def _open_config(path: Path, name: str) -> Source:
    if not (path / "config.json").is_file():
        raise ModelError(f"{path} holds no model: there is neither a config.json nor any weights in it")
    config = config_from_huggingface(read_json(path / "config.json"))
    return Source(name, config, None, load_tokenizer(path), None, (f"{name}: new weights, drawn at random",))


def _open_published(name: str) -> Source:
    """New weights in a published shape, with the embedded tokenizer until another is named."""
    tokenizer = load_tokenizer(tokenizer_folder())
    source = Source(name, published(name.removeprefix(PUBLISHED)), None, tokenizer, None)
    resized, note = _resized(source.config, tokenizer, "the embedded tokenizer")
    return replace(source, config=resized, notes=(f"{name}: new weights, drawn at random", note))


def _with_tokenizer(source: Source, name: str) -> Source:
    tokenizer = load_tokenizer(Path(name))
    if source.checkpoint is None:
        config, note = _resized(source.config, tokenizer, name)
        return replace(source, config=config, tokenizer=tokenizer, notes=(*source.notes[:1], note))
    if tokenizer.size != source.config.vocabulary:
        raise UsageError(
            f"{name} has {tokenizer.size:,} pieces, but {source.name} was trained with "
            f"{source.config.vocabulary:,}: leave --tokenizer out, to use the model's own"
        )
    return replace(source, tokenizer=tokenizer)


def _resized(config: EncoderConfig, tokenizer: Tokenizer, name: str) -> tuple[EncoderConfig, str]:
    """A config for this tokenizer, and what to say of it."""
    if config.vocabulary == tokenizer.size:
        return config, f"tokenizer: {name}, {tokenizer.size:,} pieces"
    note = f"tokenizer: {name}; {tokenizer.size:,} pieces in place of the {config.vocabulary:,} published"
    return replace(config, vocabulary=tokenizer.size), note


def _task_of(path: Path, checkpoint: Checkpoint) -> Task[Any, Any] | None:
    """What the folder says its head is for: by our `task.json`, else by Hugging Face's architecture."""
    if path.is_dir() and (path / TASK).is_file():
        return from_json(read_json(path / TASK))
    if checkpoint.architecture != "ForSequenceClassification":
        return None
    if checkpoint.problem == "regression":
        return named("regression")()
    kind = "multilabel" if checkpoint.problem == "multi_label_classification" else "classification"
    make: Any = named(kind)
    return make(labels=checkpoint.labels)  # type: ignore[no-any-return]


def convert_model(name: str, target: Path, to: str, sharing: Sharing | None = None) -> tuple[str, ...]:
    """Write a model's weights in another layout or sharing plan. Gives what there is to say of it.

    Raises `UsageError` if `target` is there and not empty.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; name a new folder")
    path = model_folder() if name == "embedded" else resolve(name)
    checkpoint = open_checkpoint(path)
    checkpoint, notes = _shared(checkpoint, sharing) if sharing else (checkpoint, ())
    report = str(checkpoint.report)
    tokenizer = _tokenizer_beside(path)
    if to == "tensorflow":
        target.mkdir(parents=True, exist_ok=True)
        write_google(target / "model.ckpt", checkpoint)
    else:
        write_folder(target, checkpoint, pad=tokenizer.pad if tokenizer else 0)
        if path.is_dir() and (path / TASK).is_file():
            write_json(target / TASK, read_json(path / TASK))
    if tokenizer:
        tokenizer.save(target)
    else:
        notes = (*notes, f"there is no tokenizer beside {name}, so none was written")
    return (*notes, *([report] if report else []))


def _shared(checkpoint: Checkpoint, sharing: Sharing) -> tuple[Checkpoint, tuple[str, ...]]:
    config = checkpoint.config.shared(sharing)
    converted = convert_sharing(checkpoint.encoder, checkpoint.config, config)
    changed = replace(checkpoint, config=config, encoder=converted.encoder)
    return changed, (converted.note,) if converted.note else ()


def _tokenizer_beside(path: Path) -> Tokenizer | None:
    folder = path if path.is_dir() else path.parent
    try:
        return load_tokenizer(folder)
    except ModelError:
        return None
