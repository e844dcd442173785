"""What a task is: it reads an Input and gives an Output; everything else follows from this one object.

Training data are pairs (given, wanted) of an Input and an Output. A task says how an Input is encoded,
what is aimed at, what head reads the encoder, what the loss is, how scores become an Output, and how
Outputs are measured. Training, evaluation, the command line and, later, HTTP, page and export ask it.

To add a task, add one file here with a final frozen dataclass; `names.py` finds it by the file's name.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from litebert import names, strict_json
from litebert.errors import InputError, ModelError, UsageError, nearest
from litebert.text.encoding import Encoding, OnLong
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from litebert.model.checkpoints.checkpoint import Problem
    from litebert.model.config import EncoderConfig
    from litebert.tasks.rewording import Change

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
P = ParamSpec("P")
Target = dict[str, Any]
"""One encoding's target: numbers or small arrays under the names that `loss` reads."""
EXAMPLE = "example"
"""The target that every batch has: of each sequence the number, from 0, of the example in the batch."""
LENGTHS = "/lengths"
"""After the name of a target that is a list: how long each sequence's is, int64 [B]."""
Judged = Literal["answers", "likelihood", "both"]
"""By what a task is judged: by its answers, by how likely what is wanted is to the model, or by both."""
TASK_FILE = "task.json"
"""Where a model's folder keeps its task."""
AT = "at"
"""The scores that a head gives for some pieces alone: their numbers in the batch, ascending [M]; the rows of
the other scores are theirs."""


class PartError(ValueError):
    """What is wrong with one part of a row, counted from 0: with one token of a sentence."""

    def __init__(self, message: str, part: int) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True, slots=True)
class Record:
    """What every Input and Output is: a frozen dataclass whose strings under the fields describe them."""

    __pydantic_config__: ClassVar[Any] = {"use_attribute_docstrings": True}

    @property
    def group(self) -> str:
        """Those alike in this are never on two sides of a split: by the first field, if no other is said."""
        first = getattr(self, fields(self)[0].name)
        return first if isinstance(first, str) else repr(first)


@dataclass(frozen=True, kw_only=True)
class Task(ABC, Generic[InputT, OutputT]):
    """Abstract; a task is a final subclass, and a data set's task is an instance of it."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "use_attribute_docstrings": True}

    name: ClassVar[str]
    """The file's name with dashes: what `--task` takes."""
    Input: ClassVar[type]
    Output: ClassVar[type]
    Wanted: ClassVar[type | None] = None
    """What data say is right, where that is more than one Output: several answers. A subclass of Output."""
    columns: ClassVar[Mapping[str, tuple[str, ...]]]
    """For each field of Input and Output (or Wanted) that a data file gives, the column names that mean it,
    likeliest first."""
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """For a field whose type does not say how a cell becomes its value: a function that does,
    raising `ValueError` with what it expected."""
    formats: ClassVar[tuple[str, ...]] = ()
    """The formats of its own data sets: a file that begins like one of them is read so, whatever its name."""
    judges_unknown: ClassVar[bool] = False
    """Whether data that it is judged by may have labels that it has not learnt: they are missed, and said."""
    piecewise: ClassVar[frozenset[str]] = frozenset()
    """The names of targets that have a value for each piece of an encoding, not one for the whole."""
    lists: ClassVar[frozenset[str]] = frozenset()
    """The names of targets that have any number of values for each encoding, as a text that is written has
    pieces. A batch has them one after another, and their lengths under the name and `LENGTHS`."""
    runner: ClassVar[str] = "eager"
    """What works out the answers, by its name in `engine/runners/`."""
    judged_by: ClassVar[Judged] = "answers"
    """By what evaluation judges: answers, how likely what is wanted is (`Weighed` Outputs), or both."""
    plain: ClassVar[tuple[str, ...]] = ()
    """The fields that plain text holds, a line for each: parallel text is two files, ("source", "text")."""
    best: ClassVar[str]
    """The measure by which the best weights are kept; higher is better, but for perplexity."""

    max_pieces: int = 512
    """The most pieces of one sequence, special pieces included."""
    on_long: OnLong = "truncate"
    """What becomes of a longer Input: cut (with a count shown), read in windows, or refused."""

    @property
    def architecture(self) -> str:
        """Hugging Face's class for a model with this head, without the family's name."""
        return "ForSequenceClassification"

    @property
    def problem(self) -> Problem | None:
        """Hugging Face's `problem_type`."""
        return None

    @property
    def head_name(self) -> str:
        """The head's name in a checkpoint (`huggingface_names.HEADS`); empty for a head without weights."""
        return "classifier"

    @property
    def head_parts(self) -> tuple[str, ...]:
        """Parts of the head that Hugging Face's has not: they stand beside it under names of their own."""
        return ()

    @abstractmethod
    def fit(self, wanted: Sequence[OutputT]) -> Task[InputT, OutputT]:
        """This task with what it must know of the training data filled in: label names, a scale."""

    def vocabularies(
        self,
        given: Sequence[InputT],  # noqa: ARG002 (for those who override it)
        wanted: Sequence[OutputT],  # noqa: ARG002
        tokenizer: Tokenizer,
        *,
        before: Task[Any, Any] | None,  # noqa: ARG002
        free: bool,  # noqa: ARG002
    ) -> tuple[Self, Tokenizer]:
        """This task and the tokenizer that reads for it, for this training data; mostly as they are.

        before: what the model was trained for. free: whether nobody chose weights or a tokenizer, so that one
        may be made of the data; the weights are then new.
        """
        return self, tokenizer

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what it took from the training data, to show before it learns."""
        return ()

    @property
    def quick(self) -> Self:
        """The same, perhaps less thorough: for looks at dev while it trains."""
        return self

    def classes(self, wanted: Sequence[OutputT]) -> list[str] | None:  # noqa: ARG002
        """Of each the class that it counts for where classes are balanced; None if there are none."""
        return None

    def weighted(self, wanted: Sequence[OutputT]) -> Self:  # noqa: ARG002
        """This task with a loss in which each class counts for as much, by how often these have it."""
        raise UsageError(f"the task {self.name} has no classes, so they cannot be given weights")

    def check(self, wanted: OutputT) -> None:
        """Raises `DataError` for a wanted that this task, once fitted, cannot aim at: an unknown label."""

    @abstractmethod
    def encode(self, given: InputT, tokenizer: Tokenizer) -> list[Encoding]:
        """One sequence, or one for each window or choice. Raises `InputError`."""

    def encode_many(self, given: Sequence[InputT], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        """`encode` of each, with an `InputError` in the place of one that cannot be; tasks may be faster."""
        return [caught(self.encode, one, tokenizer) for one in given]

    def row(
        self,
        cells: dict[str, Any],
        columns: Mapping[str, str],  # noqa: ARG002 (for those who override it)
        note: Callable[[str], None],  # noqa: ARG002
    ) -> dict[str, Any]:
        """A row of a data file, made one whose columns can be read each by itself: tags become spans of a
        text. columns: which column each field is read from; note: hears what a person should be told of the
        row, in words that fit any such row. Raises `ValueError`, or `PartError`."""
        return cells

    def exercise(self, given: InputT, wanted: OutputT) -> tuple[InputT, OutputT]:
        """A row of a file, as it is learnt from and judged by; mostly as it is. Raises `ValueError` if the
        two do not fit together."""
        return given, wanted

    def reworded(
        self,
        given: InputT,  # noqa: ARG002
        wanted: OutputT,  # noqa: ARG002
        change: Change,  # noqa: ARG002
    ) -> tuple[InputT, OutputT]:
        """An example with its texts changed, of which the same is wanted, wherever it has gone. Raises
        `UsageError` for a task that has no such thing."""
        raise UsageError(
            f"--augment is not for the task {self.name}: what is wanted would no longer fit to a changed text"
        )

    @abstractmethod
    def target(self, encoding: Encoding, wanted: OutputT) -> Target:
        """What the loss aims at for one encoding. Raises `DataError` for a wanted that is not of the task."""

    def targets(self, encodings: Sequence[Encoding], wanted: OutputT) -> list[Target]:
        """`target` of each encoding of one Input, where they differ: a question, its answers."""
        return [self.target(encoding, wanted) for encoding in encodings]

    @abstractmethod
    def head(self, config: EncoderConfig) -> nn.Module:
        """Hidden → Scores: tensors by name, with a row for each sequence [B, …] or piece [N, …]."""

    def published(self, head: Mapping[str, Tensor]) -> tuple[Task[InputT, OutputT], dict[str, Tensor]]:
        """This task and its head's weights as a folder keeps them: whoever runs the weights without this
        task, `transformers` for one, gets scores that need no further arithmetic to be the answer."""
        return self, dict(head)

    def adopted(self, head: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The other way: a folder's weights, as this task's head has them."""
        return dict(head)

    @abstractmethod
    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> torch.Tensor:
        """The mean loss of a batch, a scalar. Targets are stacked in the order of the sequences.

        `targets[EXAMPLE]` tells which sequences are of one example.
        """

    def keep(
        self,
        encoding: Encoding,  # noqa: ARG002 (for those who override it)
        scores: Mapping[str, NDArray[np.float32]],
    ) -> Mapping[str, NDArray[np.float32]]:
        """What of one encoding's scores `decode` needs: they wait until all of a window's are there."""
        return scores

    @abstractmethod
    def decode(
        self,
        given: InputT,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> OutputT:
        """The Output, from the scores of each of the Input's encodings."""

    def undecided(self) -> Task[InputT, OutputT]:
        """This task in the form whose Outputs `decided` chooses by."""
        return self

    def decided(
        self,
        outputs: Sequence[OutputT],
        wanted: Sequence[OutputT],  # noqa: ARG002 (for those who override it)
    ) -> tuple[Task[InputT, OutputT], Sequence[OutputT]]:
        """This task with what is chosen on dev, a threshold, and its Outputs; from those of `undecided()`."""
        return self, outputs

    @abstractmethod
    def mistake(self, output: OutputT, wanted: OutputT) -> float | None:
        """How badly an Output is wrong, greater for worse: how sure it was, or how far off. None if right."""

    @abstractmethod
    def measure(self, outputs: Sequence[OutputT], wanted: Sequence[OutputT]) -> dict[str, float]:
        """Fractions under the house's fixed keys (`metrics.py`)."""

    def counts(
        self,
        outputs: Sequence[OutputT],  # noqa: ARG002 (for those who override it)
        wanted: Sequence[OutputT],  # noqa: ARG002
    ) -> NDArray[Any] | None:
        """Where all measures follow from sums over the Inputs: what each Input adds, [Inputs, …].

        Then `measured(sums)` gives them, and their intervals need no measuring again and again.
        """
        return None

    def measured(self, sums: NDArray[Any]) -> dict[str, float]:
        """The measures by the sum of `counts` over the Inputs, for tasks that have them."""
        raise NotImplementedError

    def each(
        self,
        outputs: Sequence[OutputT],  # noqa: ARG002 (for those who override it)
        wanted: Sequence[OutputT],  # noqa: ARG002
    ) -> Mapping[str, NDArray[np.float64]] | None:
        """Where all measures are means over the Inputs: what each Input adds to them, [Inputs] by measure.

        Then their intervals are worked out from it, without measuring again and again.
        """
        return None


def caught(
    encode: Callable[P, list[Encoding]], *args: P.args, **kwargs: P.kwargs
) -> list[Encoding] | InputError:
    """What `encode` gives, or the `InputError` that it raises."""
    try:
        return encode(*args, **kwargs)
    except InputError as error:
        return error


def sample(kind: type[Task[Any, Any]]) -> dict[str, Any]:
    """What an Input looks like as JSON, for one to try: what it must have, `…` for each text."""
    required = [field for field in fields(kind.Input) if MISSING is field.default is field.default_factory]
    return {field.name: ["…", "…"] if "tuple" in str(field.type) else "…" for field in required}


def named(name: str) -> type[Task[Any, Any]]:
    """The task of that name, `classification` or `my_lab.sarcasm`. Raises `UsageError`."""
    module = names.find("litebert.tasks", name, "task")
    own = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Task) and thing.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise UsageError(f"{module.__name__} must hold one subclass of Task, but holds {len(own)}")
    return own[0]


def with_options(task: Task[InputT, OutputT], options: Sequence[str]) -> Task[InputT, OutputT]:
    """The task with some of its fields set: `("pooling=max", "temperature=0.1")`. Raises `UsageError`."""
    from pydantic import TypeAdapter, ValidationError

    known = {field.name: getattr(task, field.name) for field in fields(task)}
    given: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"{option!r} is no option: expected name=value")
        if name not in known:
            raise UsageError(nearest(name, known, f"option of the task {task.name}"))
        try:
            given[name] = strict_json.loads(value) if value[:1] in ("[", "{") else value
        except strict_json.JsonError as error:
            raise UsageError(f"option {name}: {value!r} is not JSON: {error}") from None
    try:
        return TypeAdapter(type(task)).validate_python({**known, **given}) if given else task
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"option {where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def to_json(task: Task[Any, Any]) -> dict[str, Any]:
    """What `task.json` holds: the task's name and its fields."""
    module = type(task).__module__
    house, _, name = module.rpartition(".")
    name = name.replace("_", "-") if house == "litebert.tasks" else module
    return {"task": name, **json.loads(json.dumps(asdict(task)))}


def from_json(saved: Mapping[str, Any]) -> Task[Any, Any]:
    """The task that `to_json` wrote. Raises `ModelError` for a field that is missing, unknown or wrong."""
    from pydantic import TypeAdapter, ValidationError

    held = dict(saved)
    name = held.pop("task", None)
    if not isinstance(name, str):
        raise ModelError("task.json does not say which task it is: 'task' must be a name")
    try:
        return TypeAdapter(named(name)).validate_python(held)
    except UsageError as error:
        raise ModelError(f"task.json: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"task.json, {where}: {first['msg']}") from None
