"""The LSTM: torch's own, read one sequence at a time, is the judge; then every road that a model goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import litebert
from litebert.engine.opening import open_model
from litebert.errors import LitebertError, UsageError
from litebert.exporting.export import export
from litebert.model.config import OWN, EncoderConfig, published
from litebert.model.encoders import encoder_of
from litebert.model.encoders.lstm import LSTM
from litebert.model.hidden import Hidden
from litebert.model.packing import pack
from litebert.text.encoding import Encoding
from small_runs import FAST, FILLERS, KNOWN, Runs, write

CONFIG = EncoderConfig(
    vocabulary=50,
    embedding=8,
    hidden=16,
    heads=2,
    intermediate=32,
    attention=(0, 1),
    feedforward=(0, 1),
    positions=64,
    family="lstm",
)


def rows(lengths: list[int]) -> list[Encoding]:
    draw = np.random.default_rng(1)
    return [
        Encoding(draw.integers(0, 50, n).astype(np.int32), np.zeros(n, np.int8), np.zeros((n, 2), np.int32))
        for n in lengths
    ]


def model() -> LSTM:
    torch.manual_seed(1)
    encoder = encoder_of(CONFIG)
    assert isinstance(encoder, LSTM)
    return encoder.eval()


def alone(encoder: LSTM, one: Encoding) -> tuple[torch.Tensor, torch.Tensor]:
    """Its pieces [n, H] and the last state of each direction [H], by torch's layers on that sequence."""
    batch = pack([one])
    x = encoder.embeddings(batch, encoder.run())[: len(one)].float()
    for layer in encoder.layers:
        x, (last, _) = layer(x)
    return x, torch.cat([last[0], last[1]])


def test_every_sequence_is_read_as_if_it_were_alone() -> None:
    encoder, many = model(), rows([5, 2, 9, 2, 3])
    with torch.no_grad():
        found: Hidden = encoder(pack(many))
        expected = [alone(encoder, one) for one in many]
        first = encoder(pack(many), "first")
    assert found.pieces is not None and first.pieces is None
    torch.testing.assert_close(found.pieces, torch.cat([pieces for pieces, _ in expected]))
    torch.testing.assert_close(found.first, torch.stack([last for _, last in expected]))
    torch.testing.assert_close(first.pooled, found.pooled)


def test_a_decoder_gets_every_place_of_the_batch() -> None:
    batch = pack(rows([5, 3]))
    memory = model()(batch, "memory").pieces
    assert memory is not None and memory.shape == (len(batch.ids), CONFIG.hidden)
    assert not memory[batch.count :].any()


def test_dropout_is_a_function_of_the_sample() -> None:
    torch.manual_seed(1)
    encoder = encoder_of(EncoderConfig(**{**vars(CONFIG), "hidden_dropout": 0.5})).train()
    first, second = rows([4, 6])
    both = encoder(pack([first, second], [7, 8])).pieces
    one = encoder(pack([second], [8])).pieces
    torch.testing.assert_close(both[4:], one)
    assert not torch.equal(encoder(pack([second], [9])).pieces, one)


def test_its_parameters_are_counted_and_about_those_of_the_embedded_model() -> None:
    for config in (CONFIG, OWN["lstm-tiny"]):
        assert config.parameters == sum(p.numel() for p in encoder_of(config).parameters())
    from litebert.model_source import open_source

    assert OWN["lstm-tiny"].parameters == pytest.approx(open_source(None).config.parameters, rel=0.1)


@pytest.fixture(scope="module")
def run(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lstm") / "run"
    small: Any = {**vars(CONFIG), "vocabulary": 20_000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OWN, "lstm-small", EncoderConfig(**small))
        options = {**runs.options("classification"), "model": "config:lstm-small", "epochs": 12.0}
        results = litebert.train(out=folder, tokenizer=str(runs.model), **options)
    assert results["dev"]["accuracy"] > 0.9
    return folder


def test_it_is_trained_saved_and_opened(run: Path, runs: Runs) -> None:
    held_out = str(runs.held_out("classification"))
    found = litebert.evaluate(held_out, model=str(run))
    assert found.metrics["accuracy"] > 0.85
    # Trained on, it goes on from all its weights.
    again = litebert.train(
        out=run.parent / "more", train=held_out, dev=held_out, model=str(run), **{**FAST, "epochs": 1.0}
    )
    assert again["dev"]["accuracy"] > 0.85
    predictor: Any = open_model(str(run))
    assert isinstance(predictor.runner.model.encoder, LSTM)


def test_what_it_has_not_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="LSTM"):
        export(str(run), tmp_path / "out", to="torch")
    with pytest.raises(UsageError, match="LSTM"):
        litebert.convert(str(run), tmp_path / "tf", to="tensorflow")
    more = {**FAST, "model": str(run), "out": tmp_path / "out"}
    with pytest.raises(UsageError, match="is an LSTM, and several tasks are learnt on ALBERT or BERT"):
        litebert.train(train="reviews.en", also="reviews.zh", **more)
    rows = [{"source": word, "target": word} for word in KNOWN]
    copying = {"train": str(write(tmp_path / "copy.jsonl", rows)), "task": "translation"}
    with pytest.raises(
        UsageError, match=r"by the encoder's blocks \(shares=true\), and an LSTM has none: give"
    ):
        litebert.train(**copying, options=["shares=true"], **more)
    assert not (tmp_path / "out").exists()
    rows = [{"text": f"{word} {other}"} for word in KNOWN for other in FILLERS]
    writing = {
        "train": str(write(tmp_path / "prose.jsonl", rows)),
        "task": "generation",
        "steps": 1,
        "epochs": None,
    }
    with pytest.raises(UsageError, match="generation would write by the encoder's blocks"):
        litebert.train(**{**more, **writing})
    assert litebert.train(**{**more, **writing}, options=["shares=false"])["task"] == "generation"
    told: list[str] = []
    open_model(str(run), precision="int8", tell=told.append)
    assert any("LSTM" in one for one in told)


def test_a_damaged_folder_is_told(run: Path, tmp_path: Path) -> None:
    import shutil

    for old, new, message in (
        ('"hidden": 16', '"hidden": "wide"', "encoder.hidden"),
        ('"hidden": 16', '"hidden": 32', "shape"),
        ('"attention": [0, 1]', '"attention": [0]', "long"),
    ):
        folder = tmp_path / message
        shutil.copytree(run, folder)
        text = (folder / "config.json").read_text()
        flat = " ".join(text.split()).replace("[ ", "[").replace(" ]", "]")
        assert old in flat
        (folder / "config.json").write_text(flat.replace(old, new))
        with pytest.raises(LitebertError, match=message):
            open_model(str(folder))


def test_its_name_is_known() -> None:
    assert published("lstm-tiny").family == "lstm"
