"""The model that comes with the package: small, whole, offline, and no longer random."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import litebert
from litebert.embedded import model_folder
from litebert.model.checkpoints.compact import COMPACT
from litebert.model.pretraining import PretrainingModel
from litebert.model_source import open_source

MEGABYTE = 1 << 20


def test_it_fits_a_wheel() -> None:
    assert sum(file.stat().st_size for file in model_folder().iterdir()) < 8 * MEGABYTE
    assert (model_folder() / COMPACT).is_file()


def test_it_has_under_six_million_parameters_with_the_heads_of_pretraining() -> None:
    source = open_source(None)
    model = PretrainingModel.of(source.checkpoint, source.config, pairs=True)
    assert sum(parameter.numel() for parameter in model.parameters()) < 6_000_000


def test_the_card_says_how_large_it_is_by_itself_and_as_transformers_has_it(tmp_path: Path) -> None:
    from transformers import AlbertModel

    from litebert.model.checkpoints.loading import write_folder

    source = open_source(None)
    assert source.checkpoint is not None
    write_folder(tmp_path, source.checkpoint)
    written_out = AlbertModel.from_pretrained(tmp_path).num_parameters()
    card = (model_folder() / "README.md").read_text("utf-8")
    assert f"{source.config.parameters / 1e6:.2f} million parameters" in card
    assert f"({written_out / 1e6:.1f} in `transformers`' form" in card


def test_it_opens_with_its_own_weights_and_says_nothing_is_random() -> None:
    assert not any("random" in note for note in open_source(None).notes)


def test_sentences_of_one_meaning_point_the_same_way_in_both_languages() -> None:
    texts = ["He is eating an apple.", "他在吃苹果。", "The train leaves at nine.", "火车九点开。"]
    load = litebert.load(None, task="embedding")
    vectors = np.array([out.embedding for out in load([{"text": text} for text in texts])])
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > max(cosines[0, 2], cosines[0, 3]) + 0.1
    assert cosines[2, 3] > max(cosines[2, 0], cosines[2, 1]) + 0.1
