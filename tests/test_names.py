"""Names are files: the nearest name in the error, and a person's own modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.errors import UsageError
from litebert.names import find, known
from litebert.tasks.classification import Classification
from litebert.tasks.naming import named


def test_the_folder_is_the_list() -> None:
    assert {"classification", "multilabel", "regression"} <= set(known("litebert.tasks"))
    assert not {"task", "heads", "metrics", "labels", "texts"} & set(known("litebert.tasks"))


def test_a_new_file_is_a_new_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "some_things"
    folder.mkdir()
    (folder / "__init__.py").write_text('shared = frozenset({"brick"})\n')
    (folder / "brick.py").write_text("")
    (folder / "two_words.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert known("some_things") == ["two-words"]
    assert find("some_things", "two-words", "thing").answer == 42
    assert find("some_things", "two_words", "thing").answer == 42


def test_a_mistyped_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find("litebert.tasks", "clasification", "task")
    assert "no task is named 'clasification'; did you mean 'classification'?" in str(caught.value)


@pytest.mark.parametrize("name", ["task", "heads", "__init__", "", "../task", "é", "CLASSIFICATION"])
def test_what_is_no_thing_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        named(name)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder `my_lab`, from which they work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "my_lab").mkdir()
    return tmp_path / "my_lab"


def test_ones_own_module_is_found_from_the_working_directory(own: Path) -> None:
    (own / "sarcasm.py").write_text(
        "from dataclasses import dataclass\n"
        "from litebert.tasks.task import Task\n"
        "class Sarcasm(Task):\n    name = 'my_lab.sarcasm'\n"
    )
    assert named("my_lab.sarcasm").__name__ == "Sarcasm"


def test_ones_own_mistakes_are_told(own: Path) -> None:
    (own / "syntax.py").write_text("def\n")
    (own / "raises.py").write_text("1 / 0\n")
    (own / "lacks.py").write_text("import a_library_that_is_not_here\n")
    (own / "empty.py").write_text("x = 1\n")
    for name, told in {
        "my_lab.syntax": "'my_lab.syntax' cannot be imported: SyntaxError",
        "my_lab.raises": "cannot be imported: ZeroDivisionError: division by zero",
        "my_lab.lacks": "ModuleNotFoundError: No module named 'a_library_that_is_not_here'",
        "my_lab.absent": "my_lab/absent.py in",
        "nowhere.at_all": "nowhere/at_all.py in",
        "my_lab.empty": "my_lab.empty must hold one subclass of Task, but holds 0",
        "my_lab..empty": "no task is named",
        ".": "no task is named",
    }.items():
        with pytest.raises(UsageError) as caught:
            named(name)
        assert told in str(caught.value), name


def test_a_task_is_found_by_its_name() -> None:
    assert named("classification") is Classification
