"""What else a task is asked, each with the answer that does for most: a task overrides those it differs in.

Four classes, by who asks: the reading of files, training, a folder's weights, judging. `Task` is all of them
and the questions that only a task itself can answer (`task.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from litebert.errors import UsageError
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from litebert.model.checkpoints.checkpoint import Problem
    from litebert.tasks.rewording import Change
    from litebert.tasks.task import Task

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
JudgedBy = Literal["answers", "likelihood", "both"]
"""By what a task is judged: by its answers, by how likely what is wanted is to the model, or by both."""


class FileDefaults(Generic[InputT, OutputT]):
    """How rows of data files become examples."""

    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """For a field whose type does not say how a cell becomes its value: a function that does,
    raising `ValueError` with what it expected."""
    formats: ClassVar[tuple[str, ...]] = ()
    """The formats of its own data sets: a file that begins like one of them is read so, whatever its name."""
    plain: ClassVar[tuple[str, ...]] = ()
    """The fields that plain text holds, a line for each: parallel text is two files, ("source", "text")."""

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

    def asked(self, cells: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        """`row` for the Input's columns alone: of a row that is to be answered, too. Raises `ValueError`."""
        return cells

    def exercise(self, given: InputT, wanted: OutputT) -> tuple[InputT, OutputT]:
        """A row of a file, as it is learnt from and judged by; mostly as it is. Raises `ValueError` if the
        two do not fit together."""
        return given, wanted


class TrainingDefaults(Generic[InputT, OutputT]):
    """What is learnt from, and how much of it counts."""

    name: ClassVar[str]

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

    def counted(self, targets: Mapping[str, Tensor]) -> float | None:  # noqa: ARG002
        """Over how much `loss` is a mean, where it is one over examples each by itself: a large batch's may
        then be worked out some examples at a time. Its targets have a row for each sequence. None: all of a
        batch must be there at once, as each text is the others' negative; or it never is that large."""
        return None

    def check(self, wanted: OutputT) -> None:
        """Raises `DataError` for a wanted that this task, once fitted, cannot aim at: an unknown label."""

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


class HeadDefaults:
    """Under what names a folder keeps the head, so that others read it, too; left out, a sequence
    classifier's."""

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

    def published(self, head: Mapping[str, Tensor]) -> tuple[Self, dict[str, Tensor]]:
        """This task and its head's weights as a folder keeps them: whoever runs the weights without this
        task, `transformers` for one, gets scores that need no further arithmetic to be the answer."""
        return self, dict(head)

    def adopted(self, head: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The other way: a folder's weights, as this task's head has them."""
        return dict(head)


class JudgingDefaults(Generic[OutputT]):
    """By what it is judged, and what is chosen on dev."""

    judges_unknown: ClassVar[bool] = False
    """Whether data that it is judged by may have labels that it has not learnt: they are missed, and said."""
    judged_by: ClassVar[JudgedBy] = "answers"
    """By what evaluation judges: answers, how likely what is wanted is (`Weighed` Outputs), or both."""

    def undecided(self) -> Self:
        """This task in the form whose Outputs `decided` chooses by."""
        return self

    def decided(
        self,
        outputs: Sequence[OutputT],
        wanted: Sequence[OutputT],  # noqa: ARG002 (for those who override it)
    ) -> tuple[Self, Sequence[OutputT]]:
        """This task with what is chosen on dev, a threshold, and its Outputs; from those of `undecided()`."""
        return self, outputs

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
