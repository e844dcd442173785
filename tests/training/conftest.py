"""What the tests of pretraining share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_pretraining import Place, Server


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A tokenizer, a model's configuration and two corpora."""
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="session")
def starter() -> Iterator[Server]:
    """Starts pretraining in processes of their own."""
    starter = Server()
    yield starter
    starter.close()
