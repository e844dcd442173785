"""Whole checkpoints on disk: written, found, read, moved, damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from litebert.errors import LitebertError, ModelError
from litebert.model.checkpoints import bundle
from litebert.model.checkpoints.bundle.crc32c import crc32c
from litebert.model.checkpoints.bundle.index import Entry, Index, encode

Tensors = dict[str, NDArray[Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

TENSORS: Tensors = {
    "bert/embeddings/word_embeddings": np.arange(60, dtype=np.float32).reshape(20, 3),
    "bert/pooler/dense/kernel": np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3),
    "flag": np.array([True, False, True]),
    "global_step": np.array(125_000, np.int64),
    "nothing": np.zeros((0, 4), np.float32),
}
DTYPES = ["<f4", "<f8", "<f2", ">f4", "<i4", "<i8", ">i8", "i1", "u1", "<u2", "?"]


def assert_same(found: Tensors, expected: Tensors) -> None:
    assert list(found) == sorted(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype.newbyteorder("=")
        assert found[name].shape == tensor.shape
        assert_array_equal(found[name], tensor)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle.write(tmp_path / "model.ckpt", TENSORS)
    return tmp_path


@given(
    st.dictionaries(
        st.text("abc/_0", min_size=1, max_size=8),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read(tensors: Tensors) -> None:
    with TemporaryDirectory() as place:
        bundle.write(Path(place, "model.ckpt"), tensors)
        assert_same(bundle.read(place), tensors)


def test_the_files_are_those_of_tensorflow(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
    ]
    assert (folder / "checkpoint").read_text() == (
        'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n'
    )
    data = b"".join(TENSORS[name].tobytes() for name in sorted(TENSORS))
    assert (folder / "model.ckpt.data-00000-of-00001").read_bytes() == data


def test_a_transposed_array_is_written_as_it_is_seen(tmp_path: Path) -> None:
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3).T
    bundle.write(tmp_path / "m", {"kernel": tensor})
    assert_array_equal(bundle.read(tmp_path)["kernel"], tensor)


def test_some_variables_only(folder: Path) -> None:
    found = bundle.read(folder, ["global_step", "flag"])
    assert list(found) == ["global_step", "flag"]
    assert found["global_step"] == 125_000


def test_an_unknown_variable(folder: Path) -> None:
    complaint = r"model\.ckpt\.index: no variable is named 'global_stop'; did you mean 'global_step'"
    with pytest.raises(ModelError, match=complaint):
        bundle.read(folder, ["global_stop"])


def test_changing_an_array_leaves_the_file_alone(folder: Path) -> None:
    found = bundle.read(folder)
    found["bert/pooler/dense/kernel"] += 1
    assert_same(bundle.read(folder), TENSORS)


def test_tensors_come_back_from_several_shards(tmp_path: Path) -> None:
    entries, shards = {}, [bytearray(b"gap"), bytearray()]
    for at, (name, tensor) in enumerate(TENSORS.items()):
        raw, shard = tensor.tobytes(), shards[at % 2]
        entries[name] = Entry(tensor.dtype.name, tensor.shape, at % 2, len(shard), len(raw), crc32c(raw))
        shard += raw
    (tmp_path / "m.index").write_bytes(encode(Index(entries, shards=2)))
    for at, shard in enumerate(shards):
        (tmp_path / f"m.data-0000{at}-of-00002").write_bytes(shard)
    assert_same(bundle.read(tmp_path), TENSORS)
    (tmp_path / "m.data-00001-of-00002").unlink()
    assert list(bundle.read(tmp_path, list(TENSORS)[:1])) == list(TENSORS)[:1]
    with pytest.raises(ModelError, match=r"m.data-00001-of-00002: No such file"):
        bundle.read(tmp_path)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    raw = np.array([1.0, -2.5, 3.140625], np.float32).view(np.uint16)[1::2].tobytes()
    (tmp_path / "m.index").write_bytes(encode(Index({"a": Entry("bfloat16", (3,), 0, 0, 6, crc32c(raw))}, 1)))
    (tmp_path / "m.data-00000-of-00001").write_bytes(raw)
    found = bundle.read(tmp_path)["a"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.0, -2.5, 3.140625]


def test_strings_are_refused_but_do_not_hide_the_rest(tmp_path: Path) -> None:
    entries = {
        "_CHECKPOINTABLE_OBJECT_GRAPH": Entry("string", (), 0, 0, 3, 0),
        "a": Entry("int8", (1,), 0, 3, 1, crc32c(b"x")),
    }
    (tmp_path / "m.index").write_bytes(encode(Index(entries, 1)))
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"???x")
    assert bundle.read_index(tmp_path)["_CHECKPOINTABLE_OBJECT_GRAPH"].dtype == "string"
    assert bundle.read(tmp_path, ["a"])["a"].tolist() == [ord("x")]
    with pytest.raises(ModelError, match="object checkpoint of TensorFlow 2"):
        bundle.read(tmp_path)


# Where a checkpoint is


@pytest.mark.parametrize(
    "given",
    ["", "model.ckpt", "model.ckpt.index", "model.ckpt.meta", "model.ckpt.data-00000-of-00001"],
)
def test_every_way_to_name_a_checkpoint(folder: Path, given: str) -> None:
    assert_same(bundle.read(folder / given), TENSORS)
    assert_same(bundle.read(str(folder / given)), TENSORS)


def test_the_latest_of_several(folder: Path) -> None:
    bundle.write(folder / "model.ckpt-2", {"a": np.ones(1)})
    assert list(bundle.read(folder)) == ["a"]
    assert list(bundle.read(folder / "model.ckpt")) == sorted(TENSORS)


def test_several_and_no_word_which(folder: Path) -> None:
    bundle.write(folder / "other", {"a": np.ones(1)})
    (folder / "checkpoint").unlink()
    with pytest.raises(ModelError, match=r"expected one .* The folder has model.ckpt.index, other.index"):
        bundle.read(folder)


@pytest.mark.parametrize(
    "line",
    [
        'model_checkpoint_path: "model.ckpt"',
        'model_checkpoint_path: "/cns/far/away/model.ckpt"\nall_model_checkpoint_paths: "x"',
        r'all_model_checkpoint_paths: "x"' + "\n" + r'model_checkpoint_path:"C:\\tmp\\model.ckpt"',
        r'model_checkpoint_path: "\155odel.ckpt"',
        'model_checkpoint_path: "../../model.ckpt"',
    ],
)
def test_only_the_last_part_of_a_path_counts(folder: Path, line: str) -> None:
    (folder / "checkpoint").write_text(line)
    assert_same(bundle.read(folder), TENSORS)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b'model_checkpoint_path: "gone"',
        b'model_checkpoint_path: ""',
        b'model_checkpoint_path: ".."',
        b'model_checkpoint_path: "model.ckpt',
        b'model_checkpoint_path: "\\377"',
        b'model_checkpoint_path: "a\\000b"',
        b'model_checkpoint_path: "' + b"x" * 5000 + b'"',
        b"\xff" * 100_000,
    ],
)
def test_a_strange_checkpoint_file(folder: Path, line: bytes) -> None:
    (folder / "checkpoint").write_bytes(line)
    with pytest.raises(ModelError, match=str(folder / "checkpoint")):
        bundle.read(folder)


def test_a_name_in_chinese_and_with_quotes(tmp_path: Path) -> None:
    name = '模型 "1"'
    bundle.write(tmp_path / name, TENSORS)
    assert (tmp_path / "checkpoint").read_bytes().isascii()
    assert_same(bundle.read(tmp_path), TENSORS)


@pytest.mark.parametrize("given", ["nothing", "nothing/here", "mod\0el", "x" * 5000, ".index"])
def test_a_checkpoint_that_is_not_there(folder: Path, given: str) -> None:
    with pytest.raises(ModelError, match=r"no such file|too long"):
        bundle.read_index(folder / given)


def test_the_error_shows_what_is_there(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.index: no such file. The folder has model\.ckpt\.index"):
        bundle.read_index(folder / "model")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file that ends in \.index"):
        bundle.read(tmp_path)


def test_an_old_checkpoint_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"V1")
    with pytest.raises(ModelError, match="single file"):
        bundle.read(tmp_path / "model.ckpt")


# Writing that cannot be


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({}, "no variables"),
        ({"a": np.array(["text"])}, "'a' is of <U4; a checkpoint can hold bfloat16, bool"),
        ({"a": np.array([None])}, "'a' is of object"),
        ({"": np.ones(1)}, "no variable name"),
        ({"a": np.ones((1,) * 33)}, "33 dimensions"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, tensors: Tensors, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        bundle.write(tmp_path / "m", tensors)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="this is a folder; name a checkpoint in it"):
        bundle.write(tmp_path, TENSORS)


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LitebertError, match=str(tmp_path / "file")):
        bundle.write(tmp_path / "file" / "m", TENSORS)


def test_a_failed_write_leaves_the_old_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(LitebertError, match=r"cannot write .*model-2\.index: No space left"):
        bundle.write(folder / "model-2", {"a": np.ones(3)})
    assert_same(bundle.read(folder), TENSORS)
    assert not list(folder.glob(".*"))


# Damage


@pytest.fixture(scope="module")
def whole() -> Iterator[dict[str, bytes]]:
    with TemporaryDirectory() as place:
        bundle.write(Path(place, "m"), TENSORS)
        yield {path.name: path.read_bytes() for path in Path(place).iterdir()}


def flip(draw: Draw, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(data) - 1))] ^= draw(st.integers(1, 255))
    return bytes(changed)


def cut(draw: Draw, data: bytes) -> bytes:
    end: int = draw(st.integers(0, len(data) - 1))
    return data[:end]


def insert(draw: Draw, data: bytes) -> bytes:
    at: int = draw(st.integers(0, len(data)))
    added: bytes = draw(st.binary(min_size=1, max_size=20))
    return data[:at] + added + data[at:]


@given(st.data())
def test_damage_is_noticed(whole: dict[str, bytes], data: st.DataObject) -> None:
    """Flipped, lost or added bytes in any file: either a `ModelError`, or every value is right."""
    damaged = data.draw(st.sampled_from(sorted(whole)))
    change = data.draw(st.sampled_from([flip, cut, insert]))
    with TemporaryDirectory() as place:
        for name, content in whole.items():
            Path(place, name).write_bytes(change(data.draw, content) if name == damaged else content)
        try:
            found = bundle.read(place)
        except ModelError as error:
            assert error.message.startswith(place)
        else:
            assert_same(found, TENSORS)


def test_the_damaged_variable_is_named(folder: Path) -> None:
    path = folder / "model.ckpt.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[250] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"of-00001: 'bert/pooler/dense/kernel' is damaged"):
        bundle.read(folder)
    assert bundle.read(folder, ["global_step"])["global_step"] == 125_000


def test_a_data_file_cut_short(folder: Path) -> None:
    path = folder / "model.ckpt.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        ModelError, match=r"it has 286 bytes, but 'global_step' ends at byte 287: it is cut short"
    ):
        bundle.read(folder)


def test_an_index_too_large_to_be_one(folder: Path) -> None:
    with (folder / "model.ckpt.index").open("r+b") as file:
        file.truncate(1 << 40)  # a hole: it takes no room
    with pytest.raises(ModelError, match="an index has at most"):
        bundle.read(folder)


def test_a_moved_folder_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("moved") / "inner"
    shutil.move(folder, moved)
    assert_same(bundle.read(moved), TENSORS)
