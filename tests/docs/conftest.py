"""A place to run the pages' blocks in, and one small run that they share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pages import place

TRAINED = {"task": "classification", "train": "examples/messages.csv", "out": "runs/messages", "epochs": 3}
"""The command of the README's walk-through."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a clone after the walk-through: `examples/` and `runs/messages`."""
    import litebert

    folder = place(tmp_path_factory.mktemp("trained"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        litebert.train(**TRAINED, progress="silent")  # type: ignore[arg-type]
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a reader has it: `litebert` and this `python` first on the path, no data sets; and no network."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("LITEBERT_DATA", raising=False)
