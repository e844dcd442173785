"""The model of an index: passages → vectors, without any training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from litebert.apps.search.neighbours import Vectors
from litebert.engine.opening import open_model
from litebert.errors import InputError
from litebert.model_source import EMBEDDED, open_source
from litebert.tasks.embedding import Embedded, Passage


class Reader:
    """An encoder that gives texts vectors of length 1."""

    def __init__(
        self,
        model: str | None,
        pooling: str,
        *,
        precision: str = "auto",
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._predictor: Any = open_model(
            model,
            task="embedding",
            options=(f"pooling={pooling}", "on_long=window"),
            precision=precision,
            tell=tell,
        )

    def __call__(self, texts: Iterable[str]) -> Vectors:
        """[texts, H]. A text of which nothing can be read gets a vector of zeros, which is near nothing."""
        rows = [_vector(answer) for answer in self._predictor.answers(Passage(text) for text in texts)]
        width = self._predictor.runner.model.encoder.config.hidden
        whole: Vectors = np.zeros((len(rows), width), np.float32)
        for row, vector in zip(whole, rows, strict=True):
            row[:] = 0.0 if vector is None else vector
        return whole


def located(model: str) -> str:
    """A model's name as it will still be found from another folder."""
    return str(Path(model).resolve()) if model != EMBEDDED and Path(model).exists() else model


def fingerprint(model: str | None) -> str:
    """By which a changed model is known."""
    return open_source(model).fingerprint


def _vector(answer: Embedded | InputError) -> tuple[float, ...] | None:
    return None if isinstance(answer, InputError) else answer.embedding
