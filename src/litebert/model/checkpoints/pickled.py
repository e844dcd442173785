"""A script: tensors out of a PyTorch pickle, and nothing else, into safetensors. Run by `weights.py`.

    python -P pickled.py FROM TO

It ends with `REFUSED` and a line on stderr for a file that is not a dictionary of tensors.
It imports nothing of litebert's, and nobody imports more of it than its name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

REFUSED = 3
TENSORS_LIMIT = 100_000


def main(source: str, target: str) -> int:
    """The exit code."""
    from safetensors.torch import save_file

    try:
        save_file(_tensors(Path(source)), target)
    except Exception as error:  # whatever the unpickler meets: all of it is the file's fault
        said = f"only tensors are read from a pickle; this has something else, or is damaged: {_why(error)}"
        print(said, file=sys.stderr)
        return REFUSED
    return 0


def _why(error: Exception) -> str:
    """One line. torch's own advice, to switch `weights_only` off, is left out."""
    lines = [line for line in str(error).splitlines() if line.strip() and "weights_only" not in line]
    return lines[0] if lines else type(error).__name__


def _tensors(path: Path) -> dict[str, Any]:
    import torch

    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if loaded == {}:
        raise ValueError("it is empty")
    if not isinstance(loaded, dict):
        raise ValueError(f"it holds a {type(loaded).__name__}, not a dictionary of tensors")
    if len(loaded) > TENSORS_LIMIT:
        raise ValueError(f"it has {len(loaded):,} entries")
    for name, tensor in loaded.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{name!r} is a {type(tensor).__name__}, not a tensor")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise ValueError(f"{name!r} says that it is larger than what is stored of it")
    _check_size(loaded, path)
    return {name: tensor.detach().contiguous().clone() for name, tensor in loaded.items()}


def _check_size(tensors: dict[str, Any], path: Path) -> None:
    """Names may share what is stored, as a word table and a decoder do, but not without end."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > 8 * path.stat().st_size:
        raise ValueError(f"its tensors come to {size:,} bytes, but it has {path.stat().st_size:,}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
