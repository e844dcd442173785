"""torch as what runs an exported model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from litebert.engine.exported import Exported
from litebert.engine.padding import Ints, Run
from litebert.errors import ModelError


def load(folder: Path, manifest: Exported) -> Run:
    """Raises `ModelError` for a file that torch does not take."""
    try:
        graph = torch.export.load(folder / manifest.file).module()
    except Exception as error:  # whatever a damaged archive leads to
        raise ModelError(f"{folder / manifest.file}: torch cannot open it: {error}") from None

    def run(feed: Mapping[str, Ints]) -> Sequence[NDArray[Any]]:
        with torch.inference_mode():
            found = graph(*(torch.from_numpy(feed[name]) for name in manifest.inputs))
        return [tensor.numpy() for tensor in found]

    return run
