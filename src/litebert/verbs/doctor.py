"""`litebert doctor`: what this machine and installation are, to paste into a question."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Say what this machine and installation are: versions, threads, what the chip can do.

    The exit code is 1 if something is wrong. Nothing is sent anywhere.

    Example: litebert doctor
    """

    json: bool = False
    """Print one JSON object."""

    def run(self) -> dict[str, Any]:
        """All that is known, and under `problems` what is wrong."""
        packages = _packages()
        return {
            "litebert": version("litebert"),
            "python": sys.version.split()[0],
            "system": f"{platform.system()} {platform.machine()}",
            "processors": os.cpu_count(),
            **_torch(),
            "packages": packages,
            "hub cache": str(_hub_cache()),
            "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
            "problems": _problems(packages),
        }

    def main(self) -> int:
        found = self.run()
        if self.json:
            print(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            for name, value in found.items():
                print(f"{name:<20} {_line(value)}")
        return 1 if found["problems"] else 0


_VARIABLES = (
    *("LITEBERT_DATA", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CXX"),
)


def _torch() -> dict[str, Any]:
    import torch

    from litebert.model.native.compiler import compiler
    from litebert.model.products import fastest_dtype, fuses_bias

    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "chip": torch.backends.cpu.get_cpu_capability(),
        "bf16": fastest_dtype() is torch.bfloat16,
        "packed products": fuses_bias(torch.float32, "cpu"),
        "compiler": compiler() or "none found: torch's operators serve in place of kernels in C++",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def _packages() -> dict[str, str | None]:
    """The versions of what litebert needs, and of its extras for users where they are there."""
    found: dict[str, str | None] = {}
    for requirement in sorted(requires("litebert") or []):
        name, needed = _bare(requirement), "extra ==" not in requirement
        if "'dev'" not in requirement.replace('"', "'") and (needed or _version(name)):
            found[name] = _version(name)
    return found


def _bare(requirement: str) -> str:
    """The package's name in `package[extra]>=1`."""
    name = requirement.strip()
    for mark in "[<>=!~ ":
        name = name.partition(mark)[0]
    return name


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _hub_cache() -> Path:
    from huggingface_hub import constants

    home = os.environ.get("HF_HOME")
    return Path(os.environ.get("HF_HUB_CACHE") or (Path(home) / "hub" if home else constants.HF_HUB_CACHE))


def _problems(packages: dict[str, str | None]) -> list[str]:
    data = os.environ.get("LITEBERT_DATA")
    wrong = [
        f"{name} is not installed: pip install {name}" for name, number in packages.items() if not number
    ]
    if data and not Path(data).expanduser().is_dir():
        wrong.append(f"LITEBERT_DATA names {data}, which is not a folder")
    if not _writable(_hub_cache()):
        wrong.append(f"{_hub_cache()}, where models from a hub are kept, cannot be written; set HF_HOME")
    return wrong


def _writable(folder: Path) -> bool:
    """Whether the folder, or the one that it would be made in, takes files."""
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
    return "; ".join(value) or "none" if isinstance(value, list) else str(value)
