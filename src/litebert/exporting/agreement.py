"""How near an exported model's answers are to those of the model itself, in fp32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.engine.predictor import Predictor
from litebert.engine.runners import Runner
from litebert.errors import InputError
from litebert.model.packing import Packed, pack

ROUGHLY = 16
"""Sequences in one batch that is compared."""


def agreement(
    reference: Predictor[Any, Any], exported: Predictor[Any, Any], inputs: Sequence[Any]
) -> dict[str, float]:
    """`inputs`: how many were compared; `difference`: the greatest between two of their scores; `changed`:
    the share of answers that are other ones, numbers with a point apart, which always differ a little."""
    differences = [
        difference(reference.runner, exported.runner, batch) for batch in batches(reference, inputs)
    ]
    return {
        "inputs": len(inputs),
        "difference": max(differences, default=0.0),
        "changed": changed(reference, exported, inputs),
    }


def changed(reference: Predictor[Any, Any], other: Predictor[Any, Any], inputs: Sequence[Any]) -> float:
    """The share of answers that are other ones, numbers with a point apart."""
    answers = (predictor.answers(inputs) for predictor in (reference, other))
    others = [_said(ours) != _said(theirs) for ours, theirs in zip(*answers, strict=True)]
    return others.count(True) / max(len(others), 1)


def batches(predictor: Predictor[Any, Any], inputs: Sequence[Any]) -> list[Packed]:
    """The Inputs that can be read, as they come."""
    many = predictor.task.encode_many(inputs, predictor.tokenizer)
    rows = [row for one in many if not isinstance(one, InputError) for row in one]
    return [pack(rows[start : start + ROUGHLY]) for start in range(0, len(rows), ROUGHLY)]


def difference(ours: Runner, theirs: Runner, batch: Packed) -> float:
    """The greatest between two scores; of what cannot be (-inf) there is none."""
    wanted, found = (_aligned(runner(batch), batch) for runner in (ours, theirs))
    return max(_furthest(wanted[name], found[name]) for name in wanted if wanted[name].dtype.kind == "f")


def _aligned(scores: Mapping[str, NDArray[Any]], batch: Packed) -> Mapping[str, NDArray[Any]]:
    """With the beams of an answer in the order of their places, for equally likely ones come in any order;
    and without those whose start cannot be, which are whatever was left."""
    if "top" not in scores:
        return scores
    top = scores["top"]
    possible = np.isfinite(scores["start"][batch.first.numpy()[:, None] + top])
    order = np.where(possible, top, np.iinfo(np.int64).max).argsort(axis=1, kind="stable")
    of_pieces = (np.take_along_axis(possible, order, axis=1), order)
    kept, columns = (rows.repeat(batch.lengths, axis=0) for rows in of_pieces)
    return {**scores, "end": np.where(kept, np.take_along_axis(scores["end"], columns, axis=1), -np.inf)}


def _furthest(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    if ours.shape != theirs.shape or (np.isfinite(ours) != np.isfinite(theirs)).any():
        return float("inf")
    there = np.isfinite(ours)
    return float(np.abs(ours[there] - theirs[there]).max(initial=0.0))


def _said(answer: Any) -> Any:
    """An answer without its numbers with a point, and an error as its words."""
    return answer.message if isinstance(answer, InputError) else _words(asdict(answer))


def _words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _words(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_words(inner) for inner in value]
    return None if isinstance(value, float) else value
