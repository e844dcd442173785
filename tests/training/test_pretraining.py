"""What pretraining learns and leaves: objectives, depth, continued, distilled; and what it is not given."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_pretraining import Place, tiny

from litebert.data.orders import permutation
from litebert.errors import DataError, LitebertError, UsageError
from litebert.model.encoders.albert import Encoder
from litebert.verbs.distill import distill
from litebert.verbs.pretrain import pretrain
from small_corpora import document, make


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled and no curve is drawn: runs of so few steps are over before."""
    monkeypatch.setattr("litebert.training.pretrain.compiler", lambda: None)
    monkeypatch.setattr("litebert.training.pretrain.draw_curves", lambda *_: None)


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[int]]]:
    """After which layers the encoder was asked, in each of its calls."""
    asked: list[list[int]] = []
    after = Encoder.after

    def noted(self: Encoder, batch: Any, wanted: Sequence[int]) -> Any:
        asked.append(sorted(wanted))
        return after(self, batch, wanted)

    monkeypatch.setattr(Encoder, "after", noted)
    yield asked


def _rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_continues(place: Place, tmp_path: Path) -> None:
    """And what it leaves is known: its results say how far it came, and another run goes on from there."""
    first, second = tmp_path / "first", tmp_path / "second"
    results = pretrain(out=first, **place.options(steps=60, learning_rate=0.02, dev=str(place.dev)))
    rows = [row for row in _rows(first) if row["kind"] == "step"]
    assert results["updates"] == 60 and results["samples"] == 480
    assert results["pieces"] == sum(row["pieces"] for row in rows)
    assert rows[0]["mlm"] == pytest.approx(np.log(260), rel=0.1), "before it has learnt anything"
    assert np.mean([row["mlm"] for row in rows[-10:]]) < 0.9 * rows[0]["mlm"]
    assert results["dev"]["mlm"] < 0.9 * rows[0]["mlm"]
    assert pretrain(out=first, **place.options(steps=60, learning_rate=0.02, dev=str(place.dev))) == results
    pretrain(out=second, **place.options(steps=2, model=str(first), learning_rate=1e-6, seed=5))
    assert _rows(second)[0]["mlm"] == pytest.approx(rows[-1]["mlm"], rel=0.15)


def test_transformers_opens_what_it_leaves(place: Place, tmp_path: Path) -> None:
    """As `AlbertForPreTraining`, with the same numbers."""
    from transformers import AlbertForPreTraining

    from litebert.model.checkpoints.loading import open_checkpoint
    from litebert.model.packing import pack
    from litebert.model.pretraining import PretrainingModel
    from litebert.text.encoding import join
    from litebert.text.loading import load_tokenizer

    out = tmp_path / "run"
    pretrain(out=out, **place.options(steps=3))
    theirs, loading = AlbertForPreTraining.from_pretrained(out, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    checkpoint = open_checkpoint(out)
    ours = PretrainingModel.of(checkpoint, checkpoint.config, pairs=True).eval()
    tokenizer = load_tokenizer(str(out))
    first, second = (tokenizer.encode(text) for text in ("My sister found it.", "昨天，邻居打开窗户。"))
    (encoding,) = join(tokenizer, first, second, limit=64)
    with torch.no_grad():
        given = torch.tensor(encoding.ids.astype(np.int64))[None]
        segments = torch.tensor(encoding.segments.astype(np.int64))[None]
        wanted = theirs.eval()(input_ids=given, token_type_ids=segments)
        layers = checkpoint.config.layers
        hidden = ours.encoder.after(pack([encoding]), (layers,))[layers]
        assert ours.order is not None
        words, order = ours.masked(hidden)["vocabulary"], ours.order(hidden)["order"]
    torch.testing.assert_close(words, wanted.prediction_logits[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(order, wanted.sop_logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("sentences", "architecture"),
    [("none", "AlbertForMaskedLM"), ("next", "AlbertForPreTraining"), ("order", "AlbertForPreTraining")],
)
def test_what_is_told_of_two_segments(
    place: Place, tmp_path: Path, sentences: str, architecture: str
) -> None:
    results = pretrain(out=tmp_path / "run", **place.options(steps=3, sentences=sentences))
    assert ("order_accuracy" in results["train"]) == (sentences != "none")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["architectures"] == [architecture]


def test_the_published_bugs_on_request(place: Place, tmp_path: Path) -> None:
    """Other samples of the same length, and as reproducible."""
    for name, faithful in (("ours", False), ("faithful", True), ("again", True)):
        pretrain(out=tmp_path / name, **place.options(steps=3, faithful=faithful))
    logs = {name: (tmp_path / name / "metrics.jsonl").read_bytes() for name in ("ours", "faithful", "again")}
    assert logs["faithful"] == logs["again"] != logs["ours"]


def test_depth_grows_as_the_stack_says(place: Place, tmp_path: Path, depths: list[list[int]]) -> None:
    pretrain(out=tmp_path / "run", **place.options(steps=5, stack=("1:3",)))
    assert depths == [[1]] * 3 + [[2]] * 2
    depths.clear()
    pretrain(out=tmp_path / "also", **place.options(steps=3, stack=("1:1",), also_at=(1,)))
    assert depths == [[1], [1, 2], [1, 2]]


def test_epochs_in_place_of_updates(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    results = pretrain(out=out, **place.options(steps=None, epochs=2.0, batch_size=64))
    assert _rows(out)[-1]["epoch"] == pytest.approx(2.0)
    assert results["samples"] == 64 * results["updates"]


def _teacher(folder: Path, place: Place, width: int) -> Path:
    """A model, pretrained a little, with a WordPiece vocabulary of its own."""
    words = sorted({word for n in range(60) for word in document(n).lower().split() if word.isascii()})
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.!?,"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{a}" for a in letters)]
    vocabulary = list(dict.fromkeys([*vocabulary, *(word for word in words if word.isalpha())]))
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir(parents=True)
    (tokenizer / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    english = [document(n) for n in range(60) if n % 3 != 2]
    corpus = make(folder / "corpus", english, tokenizer, languages=("en",)).folder
    model = tiny(folder / "model", tokenizer, vocab_size=len(vocabulary), hidden_size=width)
    out = folder / "teacher"
    pretrain(out=out, **{**place.options(steps=20), "corpus": str(corpus), "model": str(model)})
    return out


def test_a_student_learns_from_a_teacher_of_another_vocabulary(place: Place, tmp_path: Path) -> None:
    """Words, texts, and sentences that the teacher cannot read by their translations."""
    teacher = _teacher(tmp_path, place, 16)
    pairs = tmp_path / "pairs.jsonl"
    said = [{"text": f"邻居打开窗户{n}", "translation": "Our neighbour opened it."} for n in range(8)]
    pairs.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in said))
    options = place.options(
        steps=30,
        learning_rate=0.02,
        teacher=str(teacher),
        student=str(place.model),
        parallel=str(pairs),
        depths=("1:1", "2:2"),
    )
    del options["model"]
    results = distill(out=tmp_path / "student", **options)
    rows = _rows(tmp_path / "student")
    for part in ("words", "texts", "pooled", "parallel"):
        early, late = (np.mean([row[part] for row in some]) for some in (rows[:5], rows[-5:]))
        assert late < early, part
    assert results["updates"] == 30
    config = json.loads((tmp_path / "student" / "config.json").read_text())
    assert config["vocab_size"] == 260 and config["hidden_size"] == 16
    assert not [name for name in (tmp_path / "student").iterdir() if "teacher" in name.name]


def test_a_teacher_of_another_width(place: Place, tmp_path: Path) -> None:
    """Its words are mapped to, and its texts by what the pooler holds; means of texts cannot be compared."""
    options = place.options(steps=12, learning_rate=0.02, teacher=str(_teacher(tmp_path, place, 24)))
    options["student"] = options.pop("model")
    distill(out=tmp_path / "student", **options)
    rows = _rows(tmp_path / "student")
    assert all(rows[-1][part] < rows[0][part] for part in ("words", "pooled")) and rows[-1]["texts"] == 0
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"text": "一", "translation": "one"}\n')
    with pytest.raises(UsageError, match="it has 24 numbers for each, the student 16"):
        distill(out=tmp_path / "wide", parallel=str(pairs), **options)
    pairs.write_text('{"text": "一", "translation": "one"}\n{"text": 1}\n')
    with pytest.raises(DataError, match=r"pairs.jsonl:2: expected"):
        distill(out=tmp_path / "broken", parallel=str(pairs), **options)


def test_the_order_of_samples_is_fixed() -> None:
    """Were it to change, a run that goes on would see samples twice."""
    assert permutation(6, 1, 0).tolist() == [4, 0, 1, 2, 5, 3]
    assert permutation(6, 1, 1).tolist() == [3, 1, 4, 2, 0, 5]


# What it is not given


def _refused(place: Place, out: Path, **options: Any) -> LitebertError:
    with pytest.raises(LitebertError) as caught:
        pretrain(out=out, **place.options(**options))
    return caught.value


def test_a_corpus_of_another_vocabulary(place: Place, tmp_path: Path) -> None:
    error = _refused(place, tmp_path / "run", model=None)
    assert isinstance(error, UsageError)
    assert "is in a vocabulary of" in error.message and "make it with --tokenizer" in error.message


@pytest.mark.parametrize("sentences", ["none", "order"])
def test_a_length_without_room(place: Place, tmp_path: Path, sentences: str) -> None:
    assert "length is 3" in _refused(place, tmp_path / "run", length=3, sentences=sentences).message


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (("2:5",), "stay below the model's 2 layers"),
        (("1:0",), "must rise"),
        (("1:5", "1:9"), "must rise"),
        (("one:5",), "a stage is DEPTH:UPDATE"),
        (("1",), "a stage is DEPTH:UPDATE"),
    ],
)
def test_a_stack_that_cannot_be(place: Place, tmp_path: Path, stack: tuple[str, ...], said: str) -> None:
    error = _refused(place, tmp_path / "run", stack=stack)
    assert isinstance(error, UsageError) and said in error.message


def test_a_damaged_corpus(place: Place, tmp_path: Path) -> None:
    for file in sorted([*place.corpus.glob("*.bin"), place.corpus / "corpus.json"]):
        broken = shutil.copytree(place.corpus, tmp_path / f"without-{file.name}")
        (broken / file.name).unlink()
        error = _refused(place, tmp_path / "run", corpus=str(broken))
        assert str(broken) in error.message, file.name
        broken = shutil.copytree(place.corpus, tmp_path / f"half-{file.name}")
        (broken / file.name).write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        error = _refused(place, tmp_path / "run", corpus=str(broken))
        assert isinstance(error, DataError), file.name
    broken = shutil.copytree(place.corpus, tmp_path / "flipped")
    pieces = bytearray((broken / "pieces.bin").read_bytes())
    pieces[100] ^= 255
    (broken / "pieces.bin").write_bytes(pieces)
    assert "SHA-256" in _refused(place, tmp_path / "run", corpus=str(broken)).message
    assert str(tmp_path) in _refused(place, tmp_path / "run", corpus=str(tmp_path)).message


def test_the_folder_of_another_run(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(out=out, **place.options(steps=1))
    error = _refused(place, out, steps=2, rate=0.3)
    assert "settings.steps: 1 there, 2 here" in error.message and "--overwrite" in error.message
    assert pretrain(out=out, **place.options(steps=2, rate=0.3), overwrite=True)["updates"] == 2


def test_with_other_threads_it_goes_on_and_says_so(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr("litebert.training.pretrain._conclude", fail)
        with pytest.raises(RuntimeError, match="gone"):
            pretrain(out=out, **place.options(steps=2))
    assert pretrain(out=out, **place.options(steps=2, threads=2, progress="lines"))["updates"] == 2
    said = capsys.readouterr().err
    assert "settings.threads: 1 there, 2 here" in said and "not be the same to the bit" in said
    torch.set_num_threads(1)
