"""Files and folders are whole or not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litebert.durable import making, replace, replace_json, replacing
from litebert.errors import LitebertError


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    replace_json(path, {"text": "好"})
    with pytest.raises(ZeroDivisionError), replacing(path) as fresh:
        fresh.write_text("half")
        raise ZeroDivisionError
    assert json.loads(path.read_bytes()) == {"text": "好"}
    assert "好" in path.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model"
    with pytest.raises(ZeroDivisionError), making(path) as fresh:
        (fresh / "a").write_text("half")
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []
    with making(path) as fresh:
        (fresh / "a").write_text("whole")
        assert not path.exists()
    assert (path / "a").read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_is_called_by_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(LitebertError) as caught, making(folder) as fresh:
        (fresh / "a").touch()
        replace(fresh / "a" / "b", b"")
    assert str(caught.value).startswith(f"cannot write {folder}/a/b: ")


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with (
        pytest.raises(LitebertError, match=r"cannot write .*mine: Directory not empty"),
        making(tmp_path / "mine"),
    ):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


_WRITER = """
import sys, time
from pathlib import Path
from litebert.durable import replacing

with replacing(Path(sys.argv[1])) as fresh:
    fresh.write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a[1].json"
    with subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"begun\n"
        replace(path, b"while it lives")
        assert len(list(tmp_path.iterdir())) == 2
        writer.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.iterdir())) == 2
    replace(path, b"after it")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"after it"


_REPLACER = """
import sys
from pathlib import Path
from litebert.durable import replace

for letter in "abcdefgh" * 10_000:
    replace(Path(sys.argv[1]), letter.encode() * 100_000)
"""


def test_at_every_moment_of_many_kills_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    replace(path, b"-" * 100_000)
    for number in range(4):
        with subprocess.Popen([sys.executable, "-c", _REPLACER, path]) as writer:
            seen = set()
            begun = time.monotonic()
            while len(seen) < 3 or time.monotonic() - begun < 0.2 + number / 50:
                data = path.read_bytes()
                assert len(data) == 100_000 and len(set(data)) == 1
                seen.add(data[0])
            writer.kill()
        data = path.read_bytes()
        assert len(data) == 100_000 and len(set(data)) == 1


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    replace(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"data"


def test_a_file_has_the_permissions_that_others_have(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with replacing(tmp_path / "ours") as fresh:
        fresh.unlink()
        os.close(os.open(fresh, os.O_CREAT, 0o600))
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_place_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LitebertError, match=r"cannot write .*file/x: ") as caught:
        replace(tmp_path / "file" / "x", b"")
    assert caught.value.code == "disk"
