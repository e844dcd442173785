"""How likely what is wanted is to a model that writes: one pass over the wanted text, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litebert.data.encoded import encode_all
from litebert.data.example import Example
from litebert.engine.predictor import Predictor, batches
from litebert.engine.runners.writing import WRITTEN, Writing
from litebert.tasks.task import EXAMPLE, LENGTHS
from litebert.tasks.written import Weighed


def weighed(
    predictor: Predictor[Any, Any], outputs: Sequence[Any], examples: Sequence[Example[Any, Any]]
) -> list[Weighed]:
    """The Outputs, each with the wanted text's -ln p. Raises `TypeError` for a runner that cannot weigh."""
    if not isinstance(predictor.runner, Writing):
        raise TypeError(f"the runner of the task {predictor.task.name} does not weigh texts")
    if not examples:
        return []
    encoded = encode_all(predictor.task, predictor.tokenizer, examples)
    found = [Weighed(output.text) for output in outputs]
    for members in batches(_sizes(encoded.starts, encoded.lists[WRITTEN][1])):
        batch = encoded.batch(np.array(members))
        nats = predictor.runner.weigh(batch.packed, batch.targets)
        owners, pieces = batch.targets[EXAMPLE].tolist(), batch.targets[WRITTEN + LENGTHS].tolist()
        for owner, cost, count in zip(owners, nats.tolist(), pieces, strict=True):
            found[members[owner]] = Weighed(outputs[members[owner]].text, cost, count)
    return found


def _sizes(*starts: Any) -> list[int]:
    """The pieces of each sequence on both sides."""
    sizes: list[int] = np.add.reduce([np.diff(one) for one in starts]).tolist()
    return sizes
