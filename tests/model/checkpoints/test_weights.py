"""Weights in files: damaged, hostile, in shards, old."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from litebert.errors import LitebertError, ModelError
from litebert.model.checkpoints import pickled
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.weights import read_safetensors, read_weights, write_safetensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.bias": torch.tensor([1.5, -2.0])}


def same(found: dict[str, Tensor], wanted: dict[str, Tensor] = TENSORS) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(t, found[name]) for name, t in wanted.items())


def test_round_trip_and_nothing_else_is_left(tmp_path: Path) -> None:
    shared = {**TENSORS, "c": TENSORS["a.weight"], "d": TENSORS["a.weight"].t()}
    write_safetensors(tmp_path / "new" / "model.safetensors", shared)
    assert same(read_weights(tmp_path / "new"), shared)
    (path,) = (tmp_path / "new").iterdir()
    assert path.name == "model.safetensors"
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_come_as_fp32(dtype: torch.dtype, tmp_path: Path) -> None:
    save_file({name: t.to(dtype) for name, t in TENSORS.items()}, tmp_path / "model.safetensors")
    found = read_weights(tmp_path)
    assert same(found)
    assert all(tensor.dtype == torch.float32 for tensor in found.values())


def test_what_is_read_outlives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(TENSORS, path)
    found = read_weights(tmp_path)
    path.write_bytes(bytes(path.stat().st_size))
    assert same(found)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.tensor([1, 2]), "x is of int64"),
        (torch.tensor([True]), "x is of bool"),
        (torch.tensor([1.0, float("nan")]), "x holds numbers that are not finite"),
        (torch.tensor([float("-inf")]), "not finite"),
        (torch.tensor([1e300], dtype=torch.float64), "not finite"),
    ],
    ids=str,
)
def test_what_is_no_weight_is_named(tensor: Tensor, said: str, tmp_path: Path) -> None:
    save_file({"x": tensor}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=said):
        read_weights(tmp_path)


def test_old_constants_are_no_fault(tmp_path: Path) -> None:
    save_file({"embeddings.position_ids": torch.arange(4)}, tmp_path / "model.safetensors")
    assert read_weights(tmp_path)["embeddings.position_ids"].dtype == torch.int64


def header(tensors: dict[str, Any], data: bytes = bytes(24), size: int | None = None) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 1 << 62),
        header({"a": ENTRY}, size=1 << 40),
        header({"a": ENTRY}, data=bytes(23)),
        header({"a": ENTRY}, data=bytes(25)),
        header({"a": ENTRY | {"shape": [2, 4]}}),
        header({"a": ENTRY | {"shape": [1 << 62, 1 << 62]}}),
        header({"a": ENTRY | {"data_offsets": [24, 0]}}),
        header({"a": ENTRY | {"data_offsets": [0, 1 << 60]}}),
        header({"a": ENTRY | {"dtype": "PICKLE"}}),
        header({"a": ENTRY, "b": ENTRY}),
        header({"a": {}}),
        b"\x80\x02}q\x00.",
    ],
    ids=lambda content: content[:40].hex(),
)
def test_hostile_headers_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors: it cannot be read"):
        read_safetensors(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=4))
def test_a_damaged_file_is_refused_or_harmless(at: int, noise: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(TENSORS, path)
    whole = bytearray(path.read_bytes())
    at %= len(whole)
    whole[at : at + len(noise)] = noise
    path.write_bytes(whole)
    try:
        found = read_safetensors(path)
    except ModelError as error:
        assert str(path) in error.message
    else:
        assert all(tensor.isfinite().all() for tensor in found.values())


def shards(folder: Path, places: dict[str, Any], extra: str = "model.safetensors.index.json") -> None:
    save_file({"a.weight": TENSORS["a.weight"]}, folder / "model-00001-of-00002.safetensors")
    save_file({"b.bias": TENSORS["b.bias"]}, folder / "model-00002-of-00002.safetensors")
    (folder / extra).write_text(json.dumps({"weight_map": places}))


def test_weights_come_back_from_shards(tmp_path: Path) -> None:
    shards(
        tmp_path,
        {"a.weight": "model-00001-of-00002.safetensors", "b.bias": "model-00002-of-00002.safetensors"},
    )
    assert same(read_weights(tmp_path))


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({}, "lacks weight_map"),
        ({"a": 3}, "not the name of a file"),
        ({"a": "../model-00001-of-00002.safetensors"}, "not the name of a file"),
        ({"a": "/etc/passwd"}, "not the name of a file"),
        ({"a": "..safetensors"}, "not the name of a file"),
        ({"a": "model-00009-of-00002.safetensors"}, "cannot be read"),
        ({"x": "model-00001-of-00002.safetensors"}, "x is not in model-00001"),
    ],
    ids=str,
)
def test_a_wrong_index_is_named(places: dict[str, Any], said: str, tmp_path: Path) -> None:
    shards(tmp_path, places)
    with pytest.raises(ModelError, match=said):
        read_weights(tmp_path)


def test_no_weights_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model\.safetensors and no .* and no pytorch_model\.bin"):
        read_weights(tmp_path)


def test_an_old_pickle_of_tensors(tmp_path: Path) -> None:
    """In both of torch's formats, with two names for one tensor; read in another process."""
    tied = TENSORS | {"tied": TENSORS["a.weight"], "turned": TENSORS["a.weight"].t()}
    torch.save(tied, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert same(read_weights(tmp_path), tied)


class Canary:
    """What a hostile pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_no_code_in_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if the environment asks torch to run it."""
    canary = tmp_path / "canary"
    hostile = pickle.dumps(Canary(canary), protocol=2)
    (tmp_path / "pytorch_model.bin").write_bytes(hostile)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin: only tensors are read .* posix.mkdir"):
        read_weights(tmp_path)
    assert not canary.exists()
    pickle.loads(hostile)
    assert canary.exists(), "the canary should sing where it is let"


def test_pickles_of_other_things(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The script itself, in this process: nothing here could do harm."""
    large = torch.zeros(1).expand(1 << 40)
    for name, thing, said in (
        ("canary", {"a": Canary(tmp_path / "sung")}, "mkdir"),
        ("list", [TENSORS], "holds a list"),
        ("number", TENSORS | {"x": 3}, "'x' is a int"),
        ("nested", {"model": TENSORS}, "'model' is a dict"),
        ("unnamed", {3: torch.zeros(1)}, "3 is a Tensor"),
        ("huge", {"x": large}, "larger than what is stored"),
        ("empty", {}, "is empty"),
    ):
        torch.save(thing, tmp_path / name)
        assert pickled.main(str(tmp_path / name), str(tmp_path / "out")) == pickled.REFUSED
        told = capfd.readouterr().err
        assert said in told and "weights_only" not in told
    (tmp_path / "torn").write_bytes((tmp_path / "number").read_bytes()[:300])
    assert pickled.main(str(tmp_path / "torn"), str(tmp_path / "out")) == pickled.REFUSED
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "sung").exists()


def test_many_names_for_little_data_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one = torch.zeros(100_000)
    torch.save({str(n): one for n in range(50)}, tmp_path / "bomb")
    assert pickled.main(str(tmp_path / "bomb"), str(tmp_path / "out")) == pickled.REFUSED
    assert "its tensors come to 20,000,000 bytes" in capfd.readouterr().err


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LitebertError, match=r"cannot write .*file/model\.safetensors"):
        write_safetensors(tmp_path / "file" / "model.safetensors", TENSORS)
    with pytest.raises(ModelError, match=r"absent\.json: No such file"):
        read_json(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", ":1:2: not JSON"),
        (b"\xff", "not JSON"),
        (b"3", "expected an object"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["torn", "bytes", "number", "deep"],
)
def test_json_that_is_none(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        read_json(tmp_path / "config.json")


_FULL = """
import resource, sys
from pathlib import Path
import torch
from litebert.errors import LitebertError
from litebert.model.checkpoints.weights import write_safetensors

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write_safetensors(Path(sys.argv[1]), {"weight": torch.zeros(100_000)})
except LitebertError as error:
    print(error.code, error.message)
"""


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    command = [sys.executable, "-c", _FULL, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"disk cannot write {path}: ") and "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []
