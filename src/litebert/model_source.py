"""A model by its name, opened.

A name is a run's folder (`run.py`) or that of a head in it, a Hugging Face folder, a TensorFlow checkpoint,
a hub name, a published configuration as `config:albert-zh-tiny` (new weights), or `embedded`, which is also
meant by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from litebert.embedded import model_folder, tokenizer_folder
from litebert.errors import ModelError, UsageError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.hub import resolve
from litebert.model.checkpoints.huggingface_config import config_from_huggingface
from litebert.model.checkpoints.loading import open_checkpoint
from litebert.model.checkpoints.several import heads_of
from litebert.model.checkpoints.weights import has_weights, home
from litebert.model.config import EncoderConfig, published
from litebert.model.encoders import encoder_of
from litebert.model.encoders.albert import Encoder
from litebert.model.exits import Exits
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.run import RUN, labels_of
from litebert.tasks.as_json import TASK_FILE
from litebert.tasks.naming import named
from litebert.tasks.of_head import task_of_head
from litebert.tasks.task import Task
from litebert.text.loading import load_tokenizer
from litebert.text.tokenizer import Tokenizer

EMBEDDED = "embedded"
PUBLISHED = "config:"


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
    home: Path | None = None
    """The folder of the encoder, where that serves several heads."""

    @property
    def fingerprint(self) -> str:
        """A hash of all that the weights of `model` begin with, but for the seed."""
        digest = sha256(repr(self.config).encode())
        if self.checkpoint is not None:
            weights = {**self.checkpoint.encoder, **self.checkpoint.heads}
            for name, tensor in sorted(weights.items()):
                digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def model(
        self,
        task: Task[Any, Any],
        seed: int = 1,
        exits: Sequence[int] = (),
        encoder: Encoder | None = None,
    ) -> Model:
        """An encoder with these weights under `task`'s head; what is new is drawn from `seed`.

        exits: after how many layers there is a new head as well. encoder: one that was made before, to serve
        this head, too.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if encoder is None:
                encoder = self.checkpoint.build() if self.checkpoint else encoder_of(self.config)
            head = task.head(self.config)
            early = Exits(exits, partial(task.head, self.config)) if exits else None
        if weights := self._head(task):
            own = head.state_dict()
            given = task.adopted(weights).items()
            adopted = {name if name in own else f"output.{name}": tensor for name, tensor in given}
            if odd := _misfit(own, adopted):
                raise ModelError(f"{self.name} has not the head of the task {task.name}: {odd}")
            head.load_state_dict(adopted)
        if meet := getattr(head, "meet", None):
            meet(encoder, self.tokenizer)
        return Model(encoder, head, early)

    def has_head(self, task: Task[Any, Any]) -> bool:
        """Whether there are weights for this task's head, or it needs none; else it starts afresh."""
        return not task.head_name or bool(self._head(task))

    def with_dropout(self, rate: float | None) -> Source:
        """The same with this dropout inside the encoder; None leaves it as it is."""
        if rate is None:
            return self
        if not 0 <= rate < 1:
            raise UsageError(f"dropout must be from 0 to below 1, but is {rate}")
        config = replace(self.config, hidden_dropout=rate, attention_dropout=rate)
        checkpoint = replace(self.checkpoint, config=config) if self.checkpoint else None
        return replace(self, config=config, checkpoint=checkpoint)

    def read_by(self, tokenizer: Tokenizer) -> Source:
        """The same with another tokenizer, of its own size; the weights are then new."""
        if tokenizer is self.tokenizer:
            return self
        made = f"tokenizer: made of the training data, {tokenizer.size:,} pieces"
        notes = (f"{self.name}: its sizes alone; new weights, drawn at random", made)
        config = replace(self.config, vocabulary=tokenizer.size)
        return replace(self, config=config, checkpoint=None, tokenizer=tokenizer, task=None, notes=notes)

    def _head(self, task: Task[Any, Any]) -> dict[str, torch.Tensor]:
        """The head's weights, if it is one for the same question with the same labels. A `classifier` may be
        for any; of the other heads the name tells all."""
        if self.checkpoint is None or not task.head_name:
            return {}
        alike = type(self.task) is type(task) and labels_of(self.task) == labels_of(task)
        parts = [self.checkpoint.head(name) for name in task.head_parts]
        if not all(parts) or not (alike or task.head_name != "classifier"):
            return {}
        beside = zip(task.head_parts, parts, strict=True)
        own = {f"{part}.{name}": tensor for part, tensors in beside for name, tensor in tensors.items()}
        return {**self.checkpoint.head(task.head_name), **own}


def open_source(name: str | None, *, tokenizer: str | None = None) -> Source:
    """What a model's name leads to. Raises `ModelError` or `UsageError` with the nearest name.

    tokenizer: a folder or file, in place of the model's own; one with another number of pieces is for new
    weights alone.
    """
    name = EMBEDDED if name is None else name
    if name.startswith(PUBLISHED):
        config = published(name.removeprefix(PUBLISHED))
        return _afresh(name, config, tokenizer or str(tokenizer_folder()), tokenizer or "the embedded one")
    path = model_folder() if name == EMBEDDED else resolve(name)
    if not _has_weights(path):
        config = _config_alone(path)
        return _afresh(name, config, tokenizer or str(path), tokenizer or "its own")
    return _open_weights(name, path, tokenizer)


def headed(name: str | None, task: str | None) -> tuple[str | None, str | None]:
    """The model and the task that are meant where an encoder has several heads; any other as it stands.

    task: a head's name, or that of a task which one head alone is for. Raises `UsageError` that lists the
    heads where it must be said which.
    """
    if name is None or name == EMBEDDED or name.startswith(PUBLISHED):
        return name, task
    heads = heads_of(path) if (path := resolve(name)).is_dir() else {}
    if not heads:
        return name, task
    kinds = {head: _kind(folder) for head, folder in heads.items()}
    found = [head for head, kind in kinds.items() if task in (None, head, kind)]
    if task in heads:
        found = [task]
    if len(found) == 1:
        return str(heads[found[0]]), None
    if found:
        raise UsageError(f"{name} is for {len(found)} tasks: {_listed(kinds, found)}; say which with --task")
    if _needs_no_head(str(task)):
        return name, task
    raise UsageError(f"{name} has no head for {task}; it has {_listed(kinds, heads)}")


def _kind(head: Path) -> str:
    """The task that a head's folder says it is for. One that is damaged does not keep the others from
    answering; who asks for it by its name is told what is wrong with it."""
    try:
        return str(read_json(head / TASK_FILE).get("task"))
    except ModelError:
        return f"its {TASK_FILE} is damaged"


def _needs_no_head(task: str) -> bool:
    with suppress(UsageError):
        return not named(task)().head_name
    return False


def _listed(kinds: Mapping[str, str], heads: Iterable[str]) -> str:
    """Heads by name, each with its task where it is called otherwise."""
    return ", ".join(head if kinds[head] == head else f"{head} ({kinds[head]})" for head in heads)


def dtype_of(precision: str, *, answering: bool = False) -> torch.dtype:
    """`auto` is bf16 where the chip has it. int8 is for answering alone, and never unasked."""
    known = {"auto": fastest_dtype(), "fp32": torch.float32, "bf16": torch.bfloat16}
    known |= {"int8": torch.int8} if answering else {}
    if precision not in known:
        raise UsageError(f"precision must be one of {', '.join(known)}, but is {precision!r}")
    return known[precision]


def _misfit(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """The first tensor that is missing, too many, or of another shape; empty if all fit."""
    wanted, found = ({name: tuple(t.shape) for name, t in tensors.items()} for tensors in (own, given))
    odd = next((name for name in wanted | found if wanted.get(name) != found.get(name)), None)
    return f"{odd} should be {wanted.get(odd)}, but is {found.get(odd)}" if odd else ""


def _open_weights(name: str, path: Path, tokenizer: str | None) -> Source:
    checkpoint = open_checkpoint(path)
    report = str(checkpoint.report)
    folder = _folder(path)
    lies = home(folder)
    source = Source(
        name=name,
        config=checkpoint.config,
        checkpoint=checkpoint,
        tokenizer=load_tokenizer(tokenizer or lies),
        task=task_of_head(path, checkpoint),
        notes=(f"{name}: {report}",) if report else (),
        home=None if lies == folder else lies,
    )
    _check_size(source, tokenizer)
    return source


def _afresh(name: str, config: EncoderConfig, tokenizer: str, called: str) -> Source:
    """New weights, with a vocabulary of the tokenizer's size."""
    found = load_tokenizer(tokenizer)
    resized = replace(config, vocabulary=found.size)
    size = f"{found.size:,} pieces"
    if resized != config:
        size += f" in place of the {config.vocabulary:,} of the configuration"
    notes = (f"{name}: new weights, drawn at random", f"tokenizer: {called}, {size}")
    return Source(name, resized, None, found, None, notes)


def _has_weights(path: Path) -> bool:
    """Whatever `open_checkpoint` would look for; a folder with a configuration alone starts afresh."""
    return not path.is_dir() or has_weights(path) or any(path.glob("*.index"))


def _config_alone(path: Path) -> EncoderConfig:
    """Raises `ModelError` for a folder that should have weights."""
    if (path / TASK_FILE).is_file():
        raise ModelError(f"{path} is a trained model without its weights, model.safetensors")
    if (path / "config.json").is_file():
        return config_from_huggingface(read_json(path / "config.json"))
    if (path / RUN).is_file():
        raise ModelError(f"{path} holds a run that is not over: the command that began it goes on with it")
    raise ModelError(f"{path} holds no model: there is neither a config.json nor any weights in it")


def _check_size(source: Source, asked: str | None) -> None:
    """Raises for a tokenizer with ids that the model has not, or one asked for that is not the model's.

    A model's own may be smaller: some tables are filled up to a round number.
    """
    has, needed = source.tokenizer.size, source.config.vocabulary
    told = f"has {has:,} pieces, but {source.name} was trained with {needed:,}"
    if asked and has != needed:
        raise UsageError(f"the tokenizer {asked} {told}; leave --tokenizer out to use the model's own")
    if has > needed:
        raise ModelError(f"the tokenizer of {source.name} {told}: it is another model's")


def _folder(path: Path) -> Path:
    """Where a checkpoint lies."""
    return path if path.is_dir() else path.parent
