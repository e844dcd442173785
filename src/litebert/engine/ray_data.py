"""Answers on a Ray cluster, for data sets that one machine is too slow for (`pip install litebert[ray]`).

    rows = ray.data.read_json("s3://mine/texts/")
    predict(rows, "runs/reviews", key="id", actors=8).write_json("s3://mine/answers/")

Each actor opens the model once and answers batch after batch. Hosts must find the model under its name: a
shared folder, or a hub name. A row keeps its columns, its key among them, and gets one more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.engine.opening import as_input, open_model
from litebert.errors import InputError, UsageError

ANSWER = "answer"
"""The column that a row gets: the Output as JSON, or {"error": {"code", "message"}}."""
ROWS = 4096
"""In a batch: like lengths among them are answered together."""


class Answers:
    """What `map_batches` of Ray Data makes once in each actor, and calls with columns of some rows.

    threads: of torch; Ray gives an actor one processor unless told otherwise. The other arguments are those
    of `litebert.load`.
    """

    def __init__(
        self,
        model: str | None,
        task: str | None = None,
        options: Sequence[str] = (),
        precision: str = "auto",
        quality: float = 1.0,
        threads: int = 1,
    ) -> None:
        import torch

        torch.set_num_threads(threads)
        self.predictor = open_model(model, task=task, options=options, precision=precision, quality=quality)

    def __call__(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The same columns, and `ANSWER`."""
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        given = (self._input(dict(zip(columns, row, strict=True))) for row in rows)
        answers = [json.dumps(_row(answer), ensure_ascii=False) for answer in self.predictor.answers(given)]
        return {**columns, ANSWER: np.array(answers, dtype=object)}

    def _input(self, row: Mapping[str, Any]) -> Any:
        try:
            return as_input(self.predictor.task, row)
        except InputError as error:
            return error


def predict(
    dataset: Any, model: str | None, *, key: str | None = None, actors: int = 1, **options: Any
) -> Any:
    """A data set of Ray's with every row answered, by its columns that bear the Input's names.

    key: a column to sort by in the end, since batches come back in any order; actors: how many open the
    model, fewer than there are processors, for reading and sorting want some too; options: of `Answers`.
    Raises `UsageError` where Ray is not installed, or for a key that there is not.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        from ray.data import ActorPoolStrategy
    except ImportError:
        raise UsageError("predicting on a cluster needs Ray Data: pip install 'litebert[ray]'") from None
    if key is not None and key not in dataset.columns():
        raise UsageError(f"there is no column {key!r} to sort by; there are {', '.join(dataset.columns())}")
    answered = dataset.map_batches(
        Answers,
        batch_size=ROWS,
        compute=ActorPoolStrategy(size=actors),
        fn_constructor_kwargs={"model": model, **options},
    )
    return answered if key is None else answered.sort(key)


def _row(answer: Any) -> dict[str, Any]:
    if isinstance(answer, InputError):
        return {"error": {"code": answer.code, "message": answer.message}}
    return asdict(answer)
