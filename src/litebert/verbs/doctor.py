"""`litebert doctor`: what this machine and installation are, to paste into a question."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Say what this machine and installation are: versions, threads, what the chip can do.

    Example: litebert doctor
    """

    json: bool = False
    """Print one JSON object."""

    def run(self) -> dict[str, Any]:
        return {
            "litebert": version("litebert"),
            "python": sys.version.split()[0],
            "system": f"{platform.system()} {platform.machine()}",
            "processors": os.cpu_count(),
            **_torch(),
            "packages": _packages(),
            "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
            "problems": _problems(),
        }

    def main(self) -> int:
        found = self.run()
        if self.json:
            print(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            for name, value in found.items():
                print(f"{name:<20} {_line(value)}")
        return 1 if found["problems"] else 0


_VARIABLES = ("LITEBERT_DATA", "HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE", "OMP_NUM_THREADS")


def _torch() -> dict[str, Any]:
    import torch

    from litebert.model.fusion import compiler
    from litebert.model.products import fastest_dtype, packs

    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "chip": torch.backends.cpu.get_cpu_capability(),
        "bf16": fastest_dtype() is torch.bfloat16,
        "packed products": packs(torch.float32, "cpu"),
        "compiler": compiler() or "none found: fused kernels are off, all else works",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def _packages() -> dict[str, str]:
    names = [line.split(";")[0].strip() for line in requires("litebert") or []]
    plain = {name.split(">")[0].split("=")[0].split("[")[0].strip() for name in names} - {"litebert"}
    return {name: _version(name) for name in sorted(plain)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _problems() -> list[str]:
    data = os.environ.get("LITEBERT_DATA")
    if data and not os.path.isdir(data):  # noqa: PTH112 - one question of one path
        return [f"LITEBERT_DATA names {data}, which is not a folder"]
    return []


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
    return "; ".join(value) or "none" if isinstance(value, list) else str(value)
