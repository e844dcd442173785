"""By what a run is known: all that changes its result, as a flat dictionary of strings.

Two runs with one fingerprint end in the same weights to the bit. A folder holds the run whose
fingerprint stands in it, and no other.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from litebert import durable, strict_json
from litebert.errors import LitebertError, ModelError, UsageError
from litebert.training.settings import TrainSettings

Fingerprint = dict[str, str]
FILE = "fingerprint.json"
STATE = ("checkpoint", "events", "metrics.jsonl")
"""What a run writes in its folder while it goes on."""
OURS = ("results.json", "model.safetensors", *STATE, FILE)
"""What must not outlive it when another takes its folder, in the order in which it goes: the results first,
so that no half removed run looks finished, and the mark last, so that it stays known as this one."""


class Difference(NamedTuple):
    """One thing in which two runs differ; `(none)` where one of them does not have it."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name}: {self.old} there, {self.new} here"


def fingerprint(settings: TrainSettings, **parts: Mapping[str, str] | str) -> Fingerprint:
    """Settings, versions and machine, and what the caller adds: `data=…, model=…, tokenizer=…, task=…`."""
    everything: dict[str, Mapping[str, str] | str] = {
        "settings": settings.fingerprint(),
        **parts,
        "version": versions(),
        "machine": machine(settings),
    }
    flat: Fingerprint = {}
    for name, value in everything.items():
        flat |= {name: value} if isinstance(value, str) else {f"{name}.{key}": v for key, v in value.items()}
    return flat


def versions() -> Fingerprint:
    """Of what computes: other versions may round otherwise."""
    import numpy
    import torch

    from litebert import __version__

    return {"litebert": __version__, "torch": torch.__version__, "numpy": numpy.__version__}


def machine(settings: TrainSettings) -> Fingerprint:
    """What decides in which order torch adds numbers up: how many threads, and which kernels it picks."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    units = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    wide = [name for name in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if units.get(name)]
    return {
        "device": device,
        "threads": str(settings.threads or torch.get_num_threads()),
        "chip": " ".join([platform.machine(), torch.backends.cpu.get_cpu_capability(), *wide]),
    }


def compare(old: Mapping[str, str], new: Mapping[str, str]) -> list[Difference]:
    """In what two runs differ, in the order of the new one."""
    names = dict.fromkeys([*new, *old])
    pairs = (Difference(name, old.get(name, "(none)"), new.get(name, "(none)")) for name in names)
    return [pair for pair in pairs if pair.old != pair.new]


def claim(
    folder: Path, mine: Fingerprint, *, overwrite: bool = False, may_differ: tuple[str, ...] = ()
) -> list[Difference]:
    """Makes sure that the folder holds this run or none, and marks it as this run's.

    With `overwrite`, a run that is there is removed; what is not of a run stays. may_differ: with what the
    names begin in which a run that goes on may differ from before; gives what of that does. Call it with the
    folder's lock. Raises `UsageError` that lists what else differs; `ModelError` if the mark is damaged.
    """
    marked = (folder / FILE).exists()
    if marked and not overwrite:
        differences = compare(_read(folder / FILE), mine)
        if wrong := [one for one in differences if not one.name.startswith(may_differ)]:
            raise UsageError(_other_run(folder, wrong))
        if differences:
            durable.replace_json(folder / FILE, mine)
        return differences
    if marked:
        _clear(folder)
    elif any((folder / name).exists() for name in STATE):
        raise UsageError(f"{folder} holds {', '.join(STATE)} of no run that is known; give another --out")
    elif not overwrite and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty and holds no run that could go on; give another --out, or --overwrite"
        )
    durable.replace_json(folder / FILE, mine)
    return []


def _clear(folder: Path) -> None:
    with durable.telling(f"remove the old run in {folder}"):
        for path in (folder / name for name in OURS):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _read(path: Path) -> Fingerprint:
    try:
        value = strict_json.loads(path.read_bytes().decode())
        return {str(name): str(held) for name, held in value.items()}
    except (ValueError, AttributeError):
        raise ModelError(f"{path} is damaged; --overwrite starts the run anew") from None
    except OSError as error:
        raise LitebertError(f"cannot read {path}: {error.strerror}", code="disk") from error


def _other_run(folder: Path, differences: list[Difference]) -> str:
    listed = "\n".join(f"  {difference}" for difference in differences)
    return (
        f"{folder} holds another run, which differs in:\n{listed}\n"
        "Give the same settings to go on with it, another --out to keep both, or --overwrite to start anew."
    )
