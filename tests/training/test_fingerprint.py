from __future__ import annotations

import json
from pathlib import Path

import pytest

from litebert.errors import ModelError, UsageError
from litebert.training.fingerprint import FILE, Difference, claim, compare, fingerprint
from litebert.training.settings import TrainSettings


def test_it_is_flat_strings_of_all_that_counts() -> None:
    made = fingerprint(
        TrainSettings(learning_rate=2e-5, threads=2),
        data={"train": "ab12", "dev": "cd34"},
        task="classification",
    )
    assert all(isinstance(value, str) for value in made.values())
    assert made["data.train"] == "ab12"
    assert made["task"] == "classification"
    assert made["settings.learning_rate"] == "2e-05"
    assert made["machine.threads"] == "2"
    assert {"version.torch", "version.numpy", "version.litebert", "machine.chip"} <= set(made)
    assert made == fingerprint(
        TrainSettings(learning_rate=2e-5, threads=2, save_minutes=9),
        data={"train": "ab12", "dev": "cd34"},
        task="classification",
    )


def test_compare_gives_both_values() -> None:
    assert compare({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == [
        Difference("b", "2", "3"),
        Difference("c", "(none)", "4"),
    ]
    assert compare({"a": "1", "gone": "x"}, {"a": "1"}) == [Difference("gone", "x", "(none)")]
    assert compare({"a": "1"}, {"a": "1"}) == []


def test_a_new_folder_is_claimed_and_known_again(tmp_path: Path) -> None:
    claim(tmp_path, {"a": "1"})
    assert json.loads((tmp_path / FILE).read_text()) == {"a": "1"}
    claim(tmp_path, {"a": "1"})


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    claim(tmp_path, {"settings.seed": "1", "data": "x"})
    with pytest.raises(UsageError) as caught:
        claim(tmp_path, {"settings.seed": "2", "data": "x"})
    assert "settings.seed: 1 there, 2 here" in caught.value.message
    assert "data" not in caught.value.message
    assert "--overwrite" in caught.value.message and "--out" in caught.value.message


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="not empty"):
        claim(tmp_path, {"a": "1"})
    assert not (tmp_path / FILE).exists()


def test_overwrite_takes_a_folder_of_other_things_but_no_unknown_state(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    claim(tmp_path, {"a": "1"}, overwrite=True)
    assert (tmp_path / "README.md").exists()
    (tmp_path / FILE).unlink()
    (tmp_path / "checkpoint").mkdir()
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="of no run that is known"):
            claim(tmp_path, {"a": "1"}, overwrite=overwrite)


def test_a_crash_while_overwriting_leaves_no_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each removal may be the last: the mark is there to the end, the results are not."""
    names = ("results.json", "model.safetensors", "metrics.jsonl")
    for stop_at in range(4):
        folder = tmp_path / str(stop_at)
        folder.mkdir()
        claim(folder, {"a": "1"})
        for name in names:
            (folder / name).touch()
        removed = 0
        real = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            nonlocal removed
            if removed == stop_at:  # noqa: B023
                raise KeyboardInterrupt
            removed += 1
            real(path, missing_ok)  # noqa: B023

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Path, "unlink", unlink)
            claim(folder, {"a": "2"}, overwrite=True)
        assert (folder / "results.json").exists() == (stop_at == 0)
        with pytest.raises(UsageError, match="another run"):
            claim(folder, {"a": "2"})


def test_overwrite_removes_the_old_run_and_nothing_else(tmp_path: Path) -> None:
    claim(tmp_path, {"a": "1"})
    (tmp_path / "checkpoint" / "state-00000001").mkdir(parents=True)
    (tmp_path / "checkpoint" / "state-00000001" / "progress.json").touch()
    (tmp_path / "metrics.jsonl").touch()
    (tmp_path / "thesis.tex").touch()
    claim(tmp_path, {"a": "2"}, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "thesis.tex"]
    assert json.loads((tmp_path / FILE).read_text()) == {"a": "2"}


@pytest.mark.parametrize("damage", [b"", b"[1]", b"{", b"\xff\xff"])
def test_a_damaged_mark_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    with pytest.raises(ModelError, match="damaged"):
        claim(tmp_path, {"a": "1"})
