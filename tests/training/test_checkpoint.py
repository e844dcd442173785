"""Checkpoints under crashes, damage and full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from litebert.errors import ModelError
from litebert.training.checkpoint import Checkpoint, keep, latest, put, weights
from litebert.training.progress import Judgement, Progress


def _checkpoint(step: int, generation: int = 0) -> Checkpoint:
    generator = torch.Generator().manual_seed(step)
    tensors = {name: torch.randn(3, 5, generator=generator) for name in ("a.weight", "b.weight")}
    judgement = Judgement(step=step, score=0.5, measures={"accuracy": 0.5}, constant=False, loss=0.1)
    return Checkpoint(
        model=tensors,
        optimizer={f"first/{name}": -tensor for name, tensor in tensors.items()},
        progress=Progress(step=step, history=(judgement,)),
        best={name: tensor + 1 for name, tensor in tensors.items()},
        generation=generation,
    )


def _same(found: Checkpoint | None, wanted: Checkpoint) -> bool:
    if found is None or found.progress != wanted.progress:
        return False
    pairs = [(getattr(found, name), getattr(wanted, name)) for name in ("model", "optimizer", "best")]
    return all(a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a) for a, b in pairs)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with generations 1 and 2, of steps 1 and 2."""
    first = keep(tmp_path, _checkpoint(1))
    keep(tmp_path, _checkpoint(2, first.generation))
    return tmp_path


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert latest(tmp_path / "none") is None


def test_two_generations_are_kept(two: Path) -> None:
    assert _names(two) == ["state-00000001", "state-00000002"]
    kept = keep(two, _checkpoint(3, 2))
    assert kept.generation == 3
    assert _names(two) == ["state-00000002", "state-00000003"]
    found = latest(two)
    assert _same(found, _checkpoint(3))
    assert found is not None and found.generation == 3


def test_a_damaged_one_is_replaced_before_a_good_one(two: Path) -> None:
    (two / "state-00000002" / "model.safetensors").unlink()
    with pytest.warns(UserWarning, match=r"state-00000002 is damaged .* model\.safetensors is missing"):
        found = latest(two)
    assert _same(found, _checkpoint(1))
    keep(two, _checkpoint(3, 1))
    assert _names(two) == ["state-00000001", "state-00000003"]


def test_tied_weights_are_kept_once() -> None:
    model = nn.ModuleDict({"table": nn.Embedding(5, 3), "output": nn.Linear(3, 5, bias=False)})
    model["output"].weight = model["table"].weight
    assert list(weights(model)) == ["table.weight"]
    put(model, {"table.weight": torch.ones(5, 3)})
    assert torch.equal(model["output"].weight, torch.ones(5, 3))


def test_buffers_are_kept() -> None:
    assert "running_mean" in weights(nn.BatchNorm1d(3))


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match=r"another model: bias, c differ"):
        put(nn.Linear(2, 2), {"weight": torch.ones(2, 2), "c": torch.ones(1)})
    with pytest.raises(ModelError, match=r"another model: bias differ"):
        put(nn.Linear(2, 2), {"weight": torch.ones(2, 2), "bias": torch.ones(1)})


# Crashes


class _Crash(BaseException):
    """The machine stops: no `except` of the program may see it."""


class _Disk:
    """Counts what happens on the disk and stops the machine at one of these things.

    `how`: "before" it is done; "after" it is done, a write half done; "power": after it, and the power
    fails too, so that what was written but not synced is lost, and renames not synced are undone.
    """

    CALLS = ("mkdir", "write", "fsync", "rename", "unlink", "rmdir")

    def __init__(self, stop_at: int, how: str) -> None:
        self.stop_at, self.how, self.count = stop_at, how, 0
        self.loose_files: set[Path] = set()
        self.loose_names: list[tuple[Path, Path]] = []
        self.log: list[str] = []

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.count += 1
            self.log.append(name)
            stop = self.count == self.stop_at
            if stop and self.how == "before":
                raise _Crash
            if stop and name == "write":
                args = (args[0], bytes(args[1])[: len(args[1]) // 2])
            try:
                result = real(*args, **named)
                self.note(name, *args)
                return result
            finally:
                if stop:
                    self.fail()

        return call

    def note(self, name: str, target: Any, *rest: Any) -> None:
        if name == "write":
            self.loose_files.add(_path_of(target))
        elif name == "fsync":
            synced = _path_of(target)
            self.loose_files.discard(synced)
            self.loose_names = [(a, b) for a, b in self.loose_names if b.parent != synced]
        elif name == "rename":
            self.loose_names.append((Path(target), Path(rest[0])))

    def fail(self) -> None:
        if self.how == "power":
            for file in self.loose_files:
                file.write_bytes(b"")
            for old, new in reversed(self.loose_names):
                if new.exists():
                    new.replace(old)
        raise _Crash


def _path_of(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}").readlink()


@contextmanager
def _disk(stop_at: int = 0, how: str = "before") -> Iterator[_Disk]:
    disk, real = _Disk(stop_at, how), {name: getattr(os, name) for name in _Disk.CALLS}
    try:
        for name, function in real.items():
            setattr(os, name, disk.wrapped(name, function))
        yield disk
    except _Crash:
        pass
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def _things_in_a_save(folder: Path) -> int:
    with _disk() as disk:
        keep(folder, _checkpoint(3, 2))
    return disk.count


def test_everything_is_seen_by_the_disk_that_fails(two: Path) -> None:
    with _disk() as disk:
        keep(two, _checkpoint(3, 2))
    write = ["write", "fsync"] * 5
    drop = ["rename", *["unlink"] * 5, "rmdir"]
    wanted = ["mkdir", *write, "fsync", "rename", "fsync", *drop]
    assert [name for name in disk.log if name != "mkdir"] == wanted[1:]
    assert not disk.loose_files


@pytest.mark.parametrize("how", ["before", "after", "power"])
def test_a_crash_anywhere_in_a_save_leaves_a_checkpoint(tmp_path: Path, how: str) -> None:
    def fresh(name: str) -> Path:
        folder = tmp_path / name
        keep(folder, _checkpoint(1))
        keep(folder, _checkpoint(2, 1))
        return folder

    count = _things_in_a_save(fresh("count"))
    assert count >= 20
    seen = set()
    for stop_at in range(1, count + 1):
        folder = fresh(str(stop_at))
        with _disk(stop_at, how):
            keep(folder, _checkpoint(3, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Nothing damaged is ever in sight.
            found = latest(folder)
        assert _same(found, _checkpoint(2)) or _same(found, _checkpoint(3)), stop_at
        assert found is not None
        seen.add(found.progress.step)
        kept = keep(folder, _checkpoint(4, found.generation))
        assert _same(latest(folder), _checkpoint(4)), stop_at
        assert len(_names(folder)) == 2, stop_at
        assert kept.generation > found.generation
    assert seen == {2, 3}


def test_a_crash_while_cleaning_up_after_a_crash(two: Path) -> None:
    with _disk(6, "after"):
        keep(two, _checkpoint(3, 2))
    for stop_at in range(1, 9):
        with _disk(stop_at, "after"):
            keep(two, _checkpoint(3, 2))
        assert _same(latest(two), _checkpoint(2))


# Damage


def _damages(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    data = path.read_bytes()
    yield "missing", path.unlink
    yield "empty", lambda: path.write_bytes(b"")
    for part in range(16):
        yield f"cut {part}/16", lambda part=part: path.write_bytes(data[: len(data) * part // 16])
    for at in range(0, len(data), max(1, len(data) // 40)):
        flipped = bytes([*data[:at], data[at] ^ (1 << at % 8), *data[at + 1 :]])
        yield f"bit at {at}", lambda flipped=flipped: path.write_bytes(flipped)


def test_any_damage_is_detected_and_named(two: Path) -> None:
    newest = two / "state-00000002"
    whole = {path: path.read_bytes() for path in newest.iterdir()}
    assert len(whole) == 5
    count = 0
    for path, data in whole.items():
        for what, damage in _damages(path):
            damage()
            with pytest.warns(UserWarning, match="state-00000002 is damaged"):
                found = latest(two)
            assert _same(found, _checkpoint(1)), (path.name, what)
            path.write_bytes(data)
            count += 1
    assert count >= 200
    assert _same(latest(two), _checkpoint(2))


def test_each_bit_of_the_manifest_counts(two: Path) -> None:
    path = two / "state-00000002" / "manifest.json"
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(bytes([*data[:at], data[at] ^ (1 << at % 8), *data[at + 1 :]]))
        with pytest.warns(UserWarning, match=r"manifest\.json"):
            assert _same(latest(two), _checkpoint(1)), at


def test_files_of_two_generations_do_not_mix(two: Path) -> None:
    old, new = two / "state-00000001", two / "state-00000002"
    shutil.copy(old / "optimizer.safetensors", new / "optimizer.safetensors")
    with pytest.warns(UserWarning, match=r"optimizer\.safetensors is not what was written"):
        assert _same(latest(two), _checkpoint(1))


def test_all_damaged_is_none(two: Path) -> None:
    for folder in two.iterdir():
        (folder / "progress.json").write_text("{}")
    with pytest.warns(UserWarning, match="damaged") as caught:
        assert latest(two) is None
    assert len(caught) == 2


# Disks that do not take it

_FULL = """
import resource, sys
from pathlib import Path
import torch
from litebert.errors import LitebertError
from litebert.training.checkpoint import Checkpoint, keep
from litebert.training.progress import Progress

large = {"weight": torch.zeros(100_000)}
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    keep(Path(sys.argv[1]), Checkpoint(large, {}, Progress(step=3), generation=2))
except LitebertError as error:
    print(error.code, error.message)
"""


def test_a_full_disk_says_so_and_leaves_the_old_one(two: Path) -> None:
    command = [sys.executable, "-c", _FULL, str(two)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"disk cannot save the state of the run in {two}: File too large"
    assert _names(two) == ["state-00000001", "state-00000002"]
    assert _same(latest(two), _checkpoint(2))


def test_an_error_of_the_disk_says_so_and_leaves_the_old_one(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litebert.errors import LitebertError

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(LitebertError, match="No space left on device") as caught:
            keep(two, _checkpoint(3, 2))
    assert caught.value.code == "disk"
    assert _names(two) == ["state-00000001", "state-00000002"]
    assert _same(latest(two), _checkpoint(2))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_says_so(two: Path) -> None:
    from litebert.errors import LitebertError

    two.chmod(0o500)
    try:
        with pytest.raises(LitebertError, match="Permission denied"):
            keep(two, _checkpoint(3, 2))
        assert _same(latest(two), _checkpoint(2))
    finally:
        two.chmod(0o700)
