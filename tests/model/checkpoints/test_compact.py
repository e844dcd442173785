"""int8 weights: a quarter of the size, each number within half a step of its row, damage told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.errors import ModelError
from litebert.model.checkpoints.compact import COMPACT, read_compact, write_compact
from litebert.model.checkpoints.weights import read_weights


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(1e-6, 1e3), st.integers(0, 9))
def test_within_half_a_step(
    tmp_path_factory: pytest.TempPathFactory, n: int, m: int, size: float, seed: int
) -> None:
    path = tmp_path_factory.mktemp("compact") / COMPACT
    matrix = torch.randn(n, m, generator=torch.Generator().manual_seed(seed)) * size
    write_compact(path, {"w": matrix, "b": matrix[0].clone()})
    read = read_compact(path)
    step = matrix.abs().amax(1, keepdim=True) / 127
    assert ((read["w"] - matrix).abs() <= step * 0.5001).all()
    assert torch.equal(read["b"], matrix[0])


def test_zeros_stay_zeros_and_copies_are_written_once(tmp_path: Path) -> None:
    table = torch.randn(500, 64)
    write_compact(tmp_path / COMPACT, {"a": table, "b": table.clone(), "zero": torch.zeros(3, 3)})
    read = read_weights(tmp_path)
    assert torch.equal(read["a"], read["b"])
    assert not read["zero"].any()
    assert (tmp_path / COMPACT).stat().st_size < 500 * 64 + 500 * 4 + 2000


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"\xff" * 8 + b[8:], lambda _: b""])
def test_damage_is_told(tmp_path: Path, damage: object) -> None:
    path = tmp_path / COMPACT
    write_compact(path, {"a": torch.randn(5, 5)})
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ModelError, match=COMPACT):
        read_weights(tmp_path)


def test_not_finite_is_refused(tmp_path: Path) -> None:
    write_compact(tmp_path / COMPACT, {"a": torch.full((3,), float("nan"))})
    with pytest.raises(ModelError, match="not finite"):
        read_weights(tmp_path)
