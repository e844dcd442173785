from pathlib import Path

import pytest

from litebert.recipes import embedded_model
from litebert.recipes.embedded_model import Stage
from litebert.text import spiece
from small_tokenizers import train

WIDER = Stage(name="wider", updates=1, wider=True)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A narrow and a wide vocabulary, a student with each, and a widening that only makes a folder."""
    narrow, wide = train(), spiece.with_more(train(), {"▁neighbourly": -9.0})
    folders = {"vocabulary": narrow, "vocabulary-wider": wide, "close": narrow, "wide": wide}
    for name, model in folders.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "spiece.model").write_bytes(model)
    monkeypatch.setattr(embedded_model, "teacher", lambda: tmp_path / "teacher")
    monkeypatch.setattr(embedded_model.embedded_pieces, "widen", lambda *given: given[-1].mkdir())
    return tmp_path


def test_a_narrow_stage_begins_with_the_student_as_it_is(out: Path):
    assert embedded_model.begun(Stage(name="close", updates=1), out / "start", out) == out / "start"


def test_the_first_wider_stage_widens_the_student_once(out: Path):
    for _ in range(2):  # The second time the folder is there.
        assert embedded_model.begun(WIDER, out / "close", out) == out / "wider-start"
    assert (out / "wider-start").is_dir()


def test_a_later_wider_stage_finds_its_student_wide(out: Path):
    assert embedded_model.begun(WIDER, out / "wide", out) == out / "wide"
    assert not (out / "wider-start").exists()
