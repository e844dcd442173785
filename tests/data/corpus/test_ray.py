"""The same bytes from the workers of a Ray cluster of one host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from litebert.data.corpus.build import build
from litebert.data.corpus.settings import Settings
from litebert.errors import DataError
from small_corpora import documents, files

SETTINGS = Settings(documents="blank-line", min_chars=1, near_duplicates=None, shard_bytes=4000)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of two workers that can import what this process can."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'litebert[ray]'")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.mark.usefixtures("ray")
def test_ray_gives_the_same_bytes(tmp_path: Path, tokenizer: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("\n\n".join(documents(60)), encoding="utf-8")
    build([source], tmp_path / "here", tokenizer, SETTINGS)
    told: list[tuple[int, int]] = []
    build(
        [source], tmp_path / "ray", tokenizer, SETTINGS, workers="ray", told=lambda *done: told.append(done)
    )
    assert files(tmp_path / "ray") == files(tmp_path / "here")
    assert told[-1][0] == told[-1][1] == len(told) > 2


@pytest.mark.usefixtures("ray")
def test_an_error_is_told_as_here(tmp_path: Path, tokenizer: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes("\n\n".join(documents(30)).encode() + b"\n\n\xff")
    with pytest.raises(DataError, match=r"a\.txt:\d+:1: the byte 0xff is not UTF-8"):
        build([source], tmp_path / "ray", tokenizer, SETTINGS, workers="ray")
