"""What leaving early costs and saves, measured on dev: every rule tried on the scores at every depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.data.example import Example
from litebert.engine.exit_curve import Curve, Point
from litebert.engine.exit_files import load_exits, save_curve, save_exits
from litebert.engine.leaving import History, Judge, Rule, judge_of
from litebert.engine.predictor import batches
from litebert.errors import InputError
from litebert.model.model import Model
from litebert.model.packing import pack
from litebert.model_source import dtype_of, open_source
from litebert.tasks.task import Task
from litebert.text.encoding import Encoding
from litebert.training.prepared import Prepared

SHARES = 40
"""How many thresholds of confidence are tried, by how many texts reach them."""
Logits = NDArray[np.float32]
"""Of each sequence at each depth, [S, depths, K]."""


def conclude_exits(folder: Path, model: Model, prepared: Prepared) -> Curve | None:
    """Writes the exits of a model into its folder, where the model itself is already, and what they measure.
    None for a model without."""
    if model.exits is None:
        return None
    save_exits(folder, model.exits, prepared.task)
    source = open_source(str(folder))
    assert source.task is not None
    kept = source.model(source.task)
    kept.exits = load_exits(folder, model.exits.depths, source.task, source.config)
    kept.eval().encoder.dtype = dtype_of(prepared.settings.precision)
    curve = _TradeOff(kept, source.task, source.tokenizer, prepared.sets.dev.rows).curve()
    save_curve(folder, curve)
    return curve


class _TradeOff:
    """Dev's scores at every depth, and what a rule makes of them."""

    def __init__(
        self, model: Model, task: Task[Any, Any], tokenizer: Any, examples: Sequence[Example[Any, Any]]
    ) -> None:
        encoded = task.encode_many([example.given for example in examples], tokenizer)
        good = [
            (e, many) for e, many in zip(examples, encoded, strict=True) if not isinstance(many, InputError)
        ]
        self.task, self.judge = task, judge_of(task)
        self.examples = [example for example, _ in good]
        self.encodings: list[list[Encoding]] = [many for _, many in good]
        flat = [encoding for many in self.encodings for encoding in many]
        assert model.exits is not None
        self.depths = (*model.exits.depths, model.encoder.config.layers)
        self.lengths = np.array([len(encoding) for encoding in flat])
        self.logits = logits_at(model, flat)
        self.begins = np.cumsum([0, *map(len, self.encodings)])
        self._decoded: dict[tuple[int, ...], Any] = {}

    def curve(self) -> Curve:
        layers = self.depths[-1]
        points = []
        for rule in self._rules():
            stages = left_at(self.judge, rule, self.logits)
            share = (self.lengths * np.array(self.depths)[stages]).sum() / (self.lengths.sum() * layers)
            points.append(
                Point(by=rule.by, threshold=rule.threshold, layers=float(share), value=self._value(stages))
            )
        return Curve(
            depths=self.depths[:-1],
            measure=self.task.best,
            whole=self._value(np.full(len(self.lengths), len(self.depths) - 1)),
            examples=len(self.examples),
            points=tuple(sorted(points, key=lambda point: point.layers)),
        )

    def _rules(self) -> Iterator[Rule]:
        exits = self.logits[:, :-1]
        before = np.concatenate([np.full_like(exits[:, :1], np.nan), exits[:, :-1]], 1)
        sure = self.judge.sureness(*(part.reshape(-1, part.shape[2]) for part in (exits, before)))
        yield from (Rule("confidence", threshold) for threshold in between(sure))
        if self.judge.problem != "regression":
            yield from (Rule("patience", times) for times in range(1, exits.shape[1]))

    def _value(self, stages: NDArray[np.intp]) -> float:
        """The chief measure, if each sequence leaves after that stage."""
        outputs = [
            self._output(i, stages[self.begins[i] : self.begins[i + 1]]) for i in range(len(self.examples))
        ]
        return float(self.task.measure(outputs, [one.wanted for one in self.examples])[self.task.best])

    def _output(self, i: int, stages: NDArray[np.intp]) -> Any:
        key = (i, *stages.tolist())
        if key not in self._decoded:
            rows = self.logits[np.arange(self.begins[i], self.begins[i + 1]), stages]
            scores = [{"logits": row} for row in rows]
            self._decoded[key] = self.task.decode(self.examples[i].given, self.encodings[i], scores)
        return self._decoded[key]


def between(sure: NDArray[np.float64]) -> list[float]:
    """Thresholds that about as many texts reach as the next: each halfway between two that occur, so that
    rounding takes nobody across; 0, which all reach, is the first."""
    seen = np.unique(sure)
    ranks = np.unique(np.linspace(0, len(seen) - 1, SHARES + 1).round().astype(int))[1:]
    return [0.0, *((seen[ranks - 1] + seen[ranks]) / 2).tolist()]


def logits_at(model: Model, encodings: Sequence[Encoding]) -> Logits:
    """The scores at every exit and, last, of the whole model."""
    assert model.exits is not None
    found: list[list[Any]] = [[]] * len(encodings)
    with torch.inference_mode():
        for members in batches([len(encoding) for encoding in encodings]):
            batch = pack([encodings[i] for i in members])
            hidden, last = model.encoder.at_exits(batch, model.exits.depths)
            scores = [*model.exits.scores(hidden).values(), model.head(last)]
            rows = torch.stack([score["logits"].float() for score in scores], 1).numpy()
            for i, row in zip(members, rows, strict=True):
                found[i] = row
    return np.stack(found)


def left_at(judge: Judge, rule: Rule, logits: Logits) -> NDArray[np.intp]:
    """After which stage each sequence leaves, [S]."""
    stages = np.full(len(logits), logits.shape[1] - 1)
    here, history = np.arange(len(logits)), History.none(len(logits), logits.shape[2])
    for stage in range(logits.shape[1] - 1):
        leaves, history = judge.leaves(rule, logits[here, stage], history)
        stages[here[leaves]] = stage
        here, history = here[~leaves], history[~leaves]
    return stages
