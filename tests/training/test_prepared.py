"""A run before its first step: every default decided, and known by all that changes its result."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from litebert.errors import DataError, UsageError
from litebert.model_source import Source, open_source
from litebert.tasks.naming import named
from litebert.training.drawing import Drawing
from litebert.training.finetune import chance
from litebert.training.fingerprint import compare
from litebert.training.prepared import Prepared, prepare
from litebert.training.presets import preset, worth_compiling
from litebert.training.sets import Sets, read_sets
from litebert.training.settings import TrainSettings
from small_runs import Runs, feeling, made, stars, write


@pytest.fixture(scope="module")
def source(runs: Runs) -> Source:
    return open_source(str(runs.model))


@pytest.fixture(scope="module")
def sets(runs: Runs) -> Sets:
    return read_sets(str(runs.data("classification")), None, named("classification")(), {})


def differences(one: Prepared, other: Prepared) -> set[str]:
    return {difference.name for difference in compare(one.fingerprint, other.fingerprint)}


def test_nothing_is_left_out(source: Source, sets: Sets) -> None:
    settings = prepare(source, sets, TrainSettings()).settings
    assert settings.learning_rate and settings.batch_size and settings.epochs
    assert settings.precision in ("fp32", "bf16")
    assert settings.threads == torch.get_num_threads()
    assert prepare(source, sets, settings).settings == settings


def test_three_epochs_are_three_however_they_are_written(source: Source, sets: Sets) -> None:
    one, other = (prepare(source, sets, TrainSettings(epochs=n, clip=n)) for n in (3, 3.0))
    assert differences(one, other) == set()


def test_known_by_all_that_changes_the_result(source: Source, sets: Sets, runs: Runs, tmp_path: Path) -> None:
    usual = prepare(source, sets, TrainSettings())
    assert differences(usual, prepare(source, sets, TrainSettings(save_steps=3))) == set()
    assert differences(usual, prepare(source, sets, TrainSettings(seed=2))) == {"settings.seed"}
    assert differences(usual, prepare(source, sets, TrainSettings(), dropout=0.3)) == {"model"}
    assert differences(usual, prepare(source, sets, TrainSettings(), max_pieces=9)) == {"task"}
    assert differences(usual, prepare(source, sets, TrainSettings(), on_long="window")) == {"task"}
    dev = write(tmp_path / "dev.jsonl", made(5, feeling))
    other = read_sets(str(runs.data("classification")), str(dev), named("classification")(), {})
    assert differences(usual, prepare(source, other, TrainSettings())) == {"data.train", "data.dev"}
    trained = open_source(str(runs.trained("classification")))
    assert {"model", "settings.learning_rate"} <= differences(usual, prepare(trained, sets, TrainSettings()))


def test_a_file_of_another_name_is_the_same_data(
    source: Source, sets: Sets, runs: Runs, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(runs.data("classification").read_bytes())
    same = read_sets(str(copy), None, named("classification")(), {})
    assert (
        differences(prepare(source, sets, TrainSettings()), prepare(source, same, TrainSettings())) == set()
    )


def test_a_tenth_is_split_off_without_dev(sets: Sets, runs: Runs) -> None:
    assert len(sets.train) + len(sets.dev) == 300
    assert 15 < len(sets.dev) < 50
    texts = [{example.given.text for example in part} for part in (sets.train, sets.dev)]
    assert not texts[0] & texts[1]
    assert f"of the 300 examples of {runs.data('classification')}, split off by hash" in sets.told["dev"]


def test_dev_must_fit_to_train(runs: Runs, tmp_path: Path) -> None:
    dev = write(tmp_path / "dev.jsonl", [{"text": "fine", "label": "neutral"}])
    with pytest.raises(DataError, match=r"dev\.jsonl:1: no label is named 'neutral'"):
        read_sets(str(runs.data("classification")), str(dev), named("classification")(), {})


def test_texts_are_as_long_as_the_model_reads(source: Source, sets: Sets) -> None:
    assert prepare(source, sets, TrainSettings()).task.max_pieces == 64
    assert prepare(source, sets, TrainSettings(), max_pieces=20).task.max_pieces == 20
    with pytest.raises(UsageError, match="max_pieces is 65, but the model has 64 positions"):
        prepare(source, sets, TrainSettings(), max_pieces=65)


def test_chance_is_the_entropy_of_the_labels(tmp_path: Path, runs: Runs) -> None:
    rows = made(100, feeling)
    rows = [{**row, "label": "positive" if number % 4 else "negative"} for number, row in enumerate(rows)]
    data = write(tmp_path / "data.jsonl", rows)
    dev = str(runs.data("classification"))
    found = read_sets(str(data), dev, named("classification")(), {})
    assert chance(found.train.task, found.train) == pytest.approx(
        -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    )
    scores = write(tmp_path / "stars.jsonl", made(20, stars))
    found = read_sets(str(scores), str(scores), named("regression")(), {})
    assert chance(found.train.task, found.train) is None


@pytest.mark.parametrize(
    ("hidden", "rate"), [(312, 3e-4), (768, 2e-5), (1024, 2e-5), (2048, 1e-5), (4096, 1e-5)]
)
def test_large_models_are_tuned_slowly(source: Source, hidden: int, rate: float) -> None:
    """More than 1e-5 diverges from xlarge on (albert.md §3)."""
    config = replace(source.config, hidden=hidden, heads=1)
    found = preset(config, pretrained=True, examples=10_000)
    assert (found.learning_rate, found.dropout) == (rate, None)


def test_few_examples_are_gone_through_more_often(source: Source) -> None:
    epochs = [preset(source.config, pretrained=True, examples=n).epochs for n in (500, 3_000, 50_000)]
    assert epochs == sorted(epochs, reverse=True) and epochs[0] > epochs[-1]


@pytest.mark.parametrize(
    "options", [{"epochs": 5000.0}, {"steps": 2_000_000}, {"steps": 200_000, "accumulation": 10}]
)
def test_only_a_long_run_compiles_its_kernels(
    source: Source, sets: Sets, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = replace(source.config, hidden=768, intermediate=3072, attention=(0,) * 12, feedforward=(0,) * 12)
    tried = "a compiler, which takes as long as many steps of a short run"
    monkeypatch.setattr("litebert.training.presets.compiler", lambda: pytest.fail(f"tried {tried}"))
    assert not worth_compiling(source.config, TrainSettings(epochs=3.0, batch_size=16), sets.train)
    monkeypatch.setattr("litebert.training.presets.compiler", lambda: "/usr/bin/c++")
    assert worth_compiling(large, TrainSettings(**{"batch_size": 16, "epochs": 1.0, **options}), sets.train)
    monkeypatch.setattr("litebert.training.presets.compiler", lambda: None)
    assert not worth_compiling(
        large, TrainSettings(**{"batch_size": 16, "epochs": 1.0, **options}), sets.train
    )


def test_how_examples_are_drawn_is_part_of_the_run(source: Source, sets: Sets) -> None:
    usual = prepare(source, sets, TrainSettings())
    sampled = prepare(source, sets, TrainSettings(), drawing=Drawing(sampling="balanced"))
    weighted = prepare(source, sets, TrainSettings(), drawing=Drawing(class_weights="balanced"))
    assert differences(usual, sampled) == {"drawing.sampling"}
    assert differences(usual, weighted) == {"drawing.class_weights", "task"}
    assert "each of 2 classes comes as often as the commonest" in sampled.own_notes[-1]
    assert "each of 2 classes weighs as much in the loss" in weighted.own_notes[-1]
    with pytest.raises(UsageError, match="do the same in two ways"):
        prepare(source, sets, TrainSettings(), drawing=Drawing(sampling="balanced", class_weights="balanced"))


def test_what_has_no_classes_cannot_be_balanced(source: Source, tmp_path: Path) -> None:
    scores = write(tmp_path / "stars.jsonl", made(20, stars))
    found = read_sets(str(scores), str(scores), named("regression")(), {})
    with pytest.raises(UsageError, match="regression has no classes that could be balanced"):
        prepare(source, found, TrainSettings(), drawing=Drawing(sampling="balanced"))
