"""OpenVINO, on the processor, as what runs an exported model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from litebert.engine.exported import Exported, require
from litebert.engine.padding import Ints, Run
from litebert.engine.threads import threads
from litebert.errors import ModelError


def load(folder: Path, manifest: Exported) -> Run:
    """Raises `UsageError` where OpenVINO is missing, `ModelError` for a file that it does not take.

    Left to itself it computes in bf16 wherever the chip has it; here it does what the folder says.
    """
    require("an OpenVINO model", "openvino", "openvino")
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if manifest.precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    try:
        model = openvino.Core().compile_model(folder / manifest.file, "CPU", settings)
    except RuntimeError as error:
        raise ModelError(f"{folder / manifest.file}: OpenVINO cannot open it: {error}") from None

    def run(feed: Mapping[str, Ints]) -> Sequence[NDArray[Any]]:
        found = model(dict(feed))
        return [found[name] for name in manifest.outputs]

    return run
