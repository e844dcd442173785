"""What every test may ask for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from small_runs import Runs

# A shell has what it runs in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets that `LITEBERT_DATA` names."""
    named = os.environ.get("LITEBERT_DATA")
    if not named:
        pytest.skip("LITEBERT_DATA is not set: this test reads real data sets")
    return Path(named)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Small finished runs of every task, each trained when it is first asked for."""
    return Runs(tmp_path_factory.mktemp("runs"))
