"""A small trained model, and what it is judged by."""

from __future__ import annotations

import pytest

from litebert.compression.moments import Seen
from litebert.compression.subject import Subject, subject_of
from litebert.data.examples import read
from litebert.engine.opening import open_model
from small_runs import Runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("compression"))


@pytest.fixture(scope="session")
def subject(runs: Runs) -> Subject:
    folder = str(runs.trained("classification"))
    return subject_of(open_model(folder, precision="fp32"), folder)


@pytest.fixture(scope="session")
def seen(runs: Runs, subject: Subject) -> Seen:
    return Seen([one.given for one in read(str(runs.data("classification")), subject.task)])
