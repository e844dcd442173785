"""ONNX Runtime, on the processor, as what runs an exported model."""

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
    """Raises `UsageError` where ONNX Runtime is missing, `ModelError` for a file that it does not take."""
    require("an ONNX model", "onnx", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            folder / manifest.file, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors have no base of their own
        raise ModelError(f"{folder / manifest.file}: ONNX Runtime cannot open it: {error}") from None

    def run(feed: Mapping[str, Ints]) -> Sequence[NDArray[Any]]:
        found: Sequence[NDArray[Any]] = session.run(list(manifest.outputs), dict(feed))
        return found

    return run
