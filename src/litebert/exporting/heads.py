"""What the tasks' heads give, of padded rows: the same as those of `tasks/` of packed ones.

`outputs` are the scores' names, and of what each has a row: of a `sequence`, of a `piece` (fillers included),
or of a gap (`at`). Shapes as in `operators.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from litebert.engine.padding import Rows
from litebert.errors import UsageError
from litebert.exporting import operators as op
from litebert.exporting.parts import ACTIVATIONS, Matrix, Norm
from litebert.model.hidden import Reads
from litebert.tasks import answer_head, crf, heads

if TYPE_CHECKING:
    from litebert.exporting.padded import Padded


@dataclass(frozen=True, eq=False)
class States:
    """x: [B, W, H], or [B, 1, H] where the head reads only the first; pooled: [B, H], where it pools."""

    x: Tensor
    pooled: Tensor | None
    segments: Tensor
    mask: Tensor
    at: Tensor | None


class Scorer(nn.Module):
    """States → scores. Abstract."""

    outputs: Mapping[str, Rows]
    reads: Reads = "pieces"
    pools: bool = False


class Pooled(Scorer):
    """`logits` [B, C]."""

    outputs: Mapping[str, Rows] = {"logits": "sequence"}
    reads: Reads = "first"
    pools = True

    def __init__(self, head: heads.Pooled) -> None:
        super().__init__()
        self.output = Matrix(head.output, exact=True)

    def forward(self, states: States, _model: Padded) -> tuple[Tensor]:
        return (self.output(states.pooled),)


class Tokens(Scorer):
    """`logits` [B, W, C]."""

    outputs: Mapping[str, Rows] = {"logits": "piece"}

    def __init__(self, head: heads.Tokens) -> None:
        super().__init__()
        self.output = Matrix(head.output, exact=True)

    def forward(self, states: States, _model: Padded) -> tuple[Tensor, ...]:
        return (self.output(states.x),)


class Path(Tokens):
    """`logits` [B, W, C]; and `steps`, the same row for every sequence [B, (C + 1)²]."""

    outputs: Mapping[str, Rows] = {"logits": "piece", "steps": "sequence"}

    def __init__(self, head: crf.Path) -> None:
        super().__init__(head)
        self.steps = nn.Parameter(head.crf().detach().flatten().repeat(2, 1))

    def forward(self, states: States, model: Padded) -> tuple[Tensor, ...]:
        # Whichever segment the first piece is of, it is the same row.
        return *super().forward(states, model), op.exact_lookup(self.steps, op.taken(states.segments, 1, 0))


class Span(Scorer):
    """`start`, `end` [B, W]."""

    outputs: Mapping[str, Rows] = {"start": "piece", "end": "piece"}

    def __init__(self, head: heads.Span) -> None:
        super().__init__()
        self.output = Matrix(head.output, exact=True)

    def forward(self, states: States, _model: Padded) -> tuple[Tensor, Tensor]:
        both = self.output(states.x)
        return op.taken(both, 2, 0), op.taken(both, 2, 1)


class Embed(Scorer):
    """`embedding` [B, H], of length 1."""

    outputs: Mapping[str, Rows] = {"embedding": "sequence"}

    def __init__(self, head: heads.Embed) -> None:
        super().__init__()
        self.pooling, self.reads = head.pooling, head.reads

    def forward(self, states: States, _model: Padded) -> tuple[Tensor]:
        if self.pooling == "first":
            return (op.unit(op.taken(states.x, 1, 0)),)
        pooled = op.greatest_of if self.pooling == "max" else op.mean_of
        return (op.unit(pooled(states.x, states.mask)),)


class Gaps(Scorer):
    """`vocabulary` [M, V], for the gaps that `at` names."""

    outputs: Mapping[str, Rows] = {"vocabulary": "at"}

    def __init__(self, head: heads.Gaps) -> None:
        super().__init__()
        self.dense, self.norm = Matrix(head.dense), Norm(head.norm)
        self.bias = nn.Parameter(head.bias.detach())
        self.activation = ACTIVATIONS[head.config.activation]

    def forward(self, states: States, model: Padded) -> tuple[Tensor]:
        if states.at is None:
            raise TypeError("this head must be told where the gaps are")
        x: Tensor = self.norm(self.activation(self.dense(op.at_places(states.x, states.at))))
        if model.factor is not None and model.config.factor == "late":
            x = op.table_product(x, model.factor.weight)
        return (op.plus(op.table_product(x, model.words), self.bias),)


class Answer(Scorer):
    """`start` [B, W], `end` [B, W, beam], log probabilities; `top` [B, beam], the starts; `none` [B]."""

    outputs: Mapping[str, Rows] = {"start": "piece", "end": "piece", "top": "sequence", "none": "sequence"}

    def __init__(self, head: answer_head.Answer) -> None:
        super().__init__()
        self.beam = head.beam
        self.start, self.end = Matrix(head.start, exact=True), Matrix(head.end, exact=True)
        self.end_states, self.end_start = Matrix(head.end_states), Matrix(head.end_start)
        self.end_norm = Norm(head.end_norm)
        self.none_states, self.none = Matrix(head.none_states), Matrix(head.none, exact=True)

    def forward(self, states: States, _model: Padded) -> tuple[Tensor, ...]:
        x, allowed = states.x, op.answerable(states.segments, states.mask)
        laid = op.only(op.taken(self.start(x), 2, 0), allowed)
        none = self.none(op.tanh(self.none_states(op.beside(op.expected(laid, x), op.taken(x, 1, 0)))))
        top = op.top_places(laid, self.beam)
        given = op.widened(self.end_start(op.picked(x, top)), 1)
        ends = op.tanh(op.plus(op.widened(self.end_states(x), 2), given))
        end = op.only(op.taken(self.end(self.end_norm(ends)), 3, 0), op.widened(allowed, 2))
        return op.log_softmax(laid), op.log_softmax(end), top, op.taken(none, 1, 0)


def scorer(head: nn.Module) -> Scorer:
    """A head's padded form. Raises `UsageError` for a head that has none."""
    for kind, form in _FORMS.items():
        if isinstance(head, kind):
            return form(head)
    forms = ", ".join(kind.__name__ for kind in _FORMS)
    raise UsageError(f"the head {type(head).__name__} cannot be exported; those that can be are {forms}")


_FORMS: dict[type[nn.Module], Callable[[Any], Scorer]] = {
    heads.Pooled: Pooled,
    crf.Path: Path,
    heads.Tokens: Tokens,
    heads.Span: Span,
    heads.Embed: Embed,
    heads.Gaps: Gaps,
    answer_head.Answer: Answer,
}
