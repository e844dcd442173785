"""Masked language from a corpus beside a labelled task, on one encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from small_pretraining import Place

import litebert
import small_corpora
from litebert.errors import UsageError
from litebert.model_source import open_source
from litebert.training.entries import Entry
from litebert.training.mixture import Mixture, prepare_mixture
from litebert.training.objectives.masked import Masked
from litebert.training.objectives.pretraining import Pretraining
from litebert.training.settings import TrainSettings
from small_runs import FAST, feeling, made, write


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("masked"))
    write(place.folder / "feeling.jsonl", made(60, feeling))
    texts = [{"text": small_corpora.document(number)[:80]} for number in range(100, 120)]
    write(place.folder / "texts.jsonl", texts)
    return place


@pytest.fixture(autouse=True)
def nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litebert.training.mixture.compiler", lambda: None)


def options(place: Place, **more: Any) -> dict[str, Any]:
    gaps = Entry(str(place.corpus), "fill-mask", name="gaps", dev=str(place.folder / "texts.jsonl"))
    labelled = {"train": str(place.folder / "feeling.jsonl"), "task": "classification"}
    return {**FAST, **labelled, "also": [gaps], "model": str(place.model), "max_pieces": 32, **more}


def mixture(place: Place, **more: Any) -> Mixture:
    entries = [Entry(str(place.folder / "feeling.jsonl"), "classification"), *options(place)["also"]]
    settings = TrainSettings(batch_size=8, epochs=1, precision="fp32", threads=1, **more)
    return prepare_mixture(open_source(str(place.model)), entries, settings, max_pieces=32)


def test_both_are_learnt_judged_and_served(place: Place, tmp_path: Path) -> None:
    results = litebert.train(**options(place, epochs=3), out=tmp_path / "run")
    assert results["tasks"]["gaps"]["dev"]["accuracy"] > 2 / 260, "twice that of guessing a piece"
    assert results["tasks"]["gaps"]["dev"]["examples"] == 20
    assert results["tasks"]["feeling"]["dev"]["accuracy"] > 0.5
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["gaps/loss"] for row in rows if "gaps/loss" in row]
    assert sum(losses[-10:]) < 0.95 * sum(losses[:10])
    (filled,) = litebert.load(str(tmp_path / "run"), task="fill-mask")(["the [MASK] is here."])
    assert len(filled.gaps) == 1
    card = (tmp_path / "run" / "README.md").read_text()
    assert f"{place.corpus}: " in card.replace("\\", "") and "documents" in card


def test_its_loss_is_that_of_pretraining(place: Place) -> None:
    from litebert.model.pretraining import PretrainingModel

    run = mixture(place)
    model, part = run.model().of("gaps"), run.parts["gaps"]
    twin = PretrainingModel(model.encoder, pairs=False)
    twin.masked = model.head  # type: ignore[assignment]
    batch = part.batches(3)  # type: ignore[attr-defined]
    with torch.no_grad():
        mine, told = Masked(7.5)(model.eval(), batch)
        theirs, wanted = Pretraining(guesses=7.5)(twin.eval(), batch)
    assert torch.equal(mine, theirs) and told.keys() == wanted.keys()


def test_masks_are_drawn_anew_in_every_epoch(place: Place) -> None:
    own = mixture(place).parts["gaps"].batches  # type: ignore[attr-defined]
    assert own(0).positions.tolist() != own(own.per_epoch).positions.tolist()
    assert own(0).positions.tolist() == mixture(place).parts["gaps"].batches(0).positions.tolist()  # type: ignore[attr-defined]


def test_the_corpus_is_part_of_the_fingerprint(place: Place) -> None:
    known = mixture(place).fingerprint
    assert known["tasks.gaps.length"] == "32"
    assert known["tasks.gaps.data.train"] == mixture(place).parts["gaps"].corpus.fingerprint  # type: ignore[attr-defined]


def test_what_is_missing_is_said(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a corpus: say by which texts it is judged"):
        litebert.train(**options(place, also=f"fill-mask={place.corpus}"), out=tmp_path / "a")
    with pytest.raises(UsageError, match="is a corpus: it is for the task fill-mask, not regression"):
        litebert.train(**options(place, also=f"regression={place.corpus}"), out=tmp_path / "a")
    with pytest.raises(UsageError, match="is in a vocabulary of 260 pieces, but"):
        litebert.train(**options(place, model=None), out=tmp_path / "a")
