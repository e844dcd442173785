"""Runners: `(packed batch) -> {name: scores}`. The engine knows nothing else of a model. One file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from litebert.model.packing import Packed

Runner = Callable[["Packed"], Mapping[str, NDArray[np.float32]]]
"""Scores have a row for each sequence or for each piece, fp32."""
