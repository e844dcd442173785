"""What the words that an option shares with the passage tell of it, learnt from the training data.

A small model takes long to learn to compare words; where it is told what they say, it learns the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from litebert.text.overlap import held, stretches

Floats = NDArray[np.float64]
_ROUNDS = 30
_STEADY = 1e-6
_RIDGE = 1e-3
"""Of each question, the penalty on the squared weights: with it there is one answer, whatever the data."""


def shared(passage: str, question: str, options: Sequence[str]) -> Floats:
    """[options, 2], from 0 to 1: what each shares with a stretch of the passage, as a part of what the best
    does, and the part of its own words that the passage has."""
    most = np.array(stretches(passage, question, options))
    return np.stack([most / max(most.max(), 1e-9), held(passage, question, options)], axis=1)


def learnt(questions: Sequence[Floats], right: Sequence[int]) -> tuple[float, ...]:
    """The weights under which the right options are most likely, each as likely as exp(numbers · weights): a
    conditional logit, by Newton's method. questions: of each its numbers, [options, numbers]."""
    weights = np.zeros(questions[0].shape[1])
    for _ in range(_ROUNDS):
        slope = -_RIDGE * len(questions) * weights
        bend = _RIDGE * len(questions) * np.eye(len(weights))
        for numbers, answer in zip(questions, right, strict=True):
            scores = numbers @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            mean = chances @ numbers
            slope += numbers[answer] - mean
            bend += (numbers * chances[:, None]).T @ numbers - np.outer(mean, mean)
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < _STEADY:
            break
    return tuple(round(float(one), 4) for one in weights)
