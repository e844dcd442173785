"""Google's checkpoints and brightmart's: read, written, and the same encoder afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from litebert.errors import ModelError
from litebert.model.checkpoints import bundle
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.google import config_beside, read_google, write_google
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.config import EncoderConfig, published
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack
from litebert.model.pretraining_heads import MaskedLanguage, SentenceOrder
from litebert.text.encoding import Encoding

SMALL = EncoderConfig(
    vocabulary=60,
    embedding=16,
    hidden=24,
    heads=3,
    intermediate=40,
    attention=(0,) * 4,
    feedforward=(0,) * 4,
    positions=80,
)
EACH = {"attention": (0, 1, 2, 3), "feedforward": (0, 1, 2, 3)}


def lively(config: EncoderConfig) -> Checkpoint:
    """An encoder and the pretraining heads, every weight far from its start."""
    torch.manual_seed(0)
    parts = {"": Encoder(config), "masked.": MaskedLanguage(config), "order.": SentenceOrder(config)}
    named = {
        start: {name: torch.randn_like(t) * 0.2 + (t.dim() == 1) for name, t in part.state_dict().items()}
        for start, part in parts.items()
    }
    heads = {f"masked.{name}": t for name, t in named["masked."].items()}
    heads |= {f"order.{name.removeprefix('output.')}": t for name, t in named["order."].items()}
    return Checkpoint(config, named[""], heads, "ForPreTraining")


def pieces(given: Checkpoint) -> Tensor:
    rng = np.random.default_rng(0)
    batch = [
        Encoding(rng.integers(0, 60, n).astype(np.int32), np.zeros(n, np.int8), np.zeros((n, 2), np.int32))
        for n in (3, 20, 70)
    ]
    with torch.no_grad():
        return given.build().eval()(pack(batch)).pieces


PLANS = {
    "all": {},
    "none": EACH,
    "attention": {"feedforward": (0, 1, 2, 3)},
    "groups": {"attention": (0, 0, 1, 1), "feedforward": (0, 0, 1, 1)},
    "inner": {"attention": (0, 1, 0, 1), "feedforward": (0, 1, 0, 1)},
    "relu": {"activation": "relu"},
    "no map": {"embedding": 24},
    "late": {"factor": "late"},
    "bert": {"family": "bert", "embedding": 24, "activation": "gelu", "hidden_dropout": 0.1, **EACH},
}


@pytest.mark.parametrize("changes", PLANS.values(), ids=PLANS)
def test_written_and_read_it_is_the_same_encoder(changes: Mapping[str, Any], tmp_path: Path) -> None:
    given = lively(replace(SMALL, **changes))
    write_google(tmp_path / "model.ckpt", given)
    back = open_checkpoint(tmp_path)
    assert str(back.report) == ""
    assert back.architecture == "ForPreTraining"
    assert float((pieces(back) - pieces(given)).abs().max()) < 1e-5
    assert all(torch.equal(tensor, given.heads[name]) for name, tensor in back.heads.items())
    assert back.heads.keys() == given.heads.keys()
    if changes in ({}, EACH, PLANS["groups"], PLANS["inner"], PLANS["relu"], PLANS["no map"]):
        assert back.config == given.config


def test_by_folder_prefix_or_file(tmp_path: Path) -> None:
    write_google(tmp_path / "model.ckpt", lively(SMALL))
    for name in ("", "model.ckpt", "model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        assert open_checkpoint(tmp_path / name).config == SMALL
    assert {path.name for path in tmp_path.iterdir()} == {
        "albert_config.json",
        "checkpoint",
        "model.ckpt.index",
        "model.ckpt.data-00000-of-00001",
    }


def test_googles_rule_of_groups_is_kept(tmp_path: Path) -> None:
    """At 22 layers in 22 groups Google's graph takes one twice: written in another plan, read the same."""
    order = tuple(range(22))
    given = lively(replace(SMALL, attention=order, feedforward=order))
    write_google(tmp_path / "model.ckpt", given)
    raw = json.loads((tmp_path / "albert_config.json").read_text())
    assert (raw["num_hidden_layers"], raw["num_hidden_groups"]) != (22, 22)
    assert float((pieces(open_checkpoint(tmp_path)) - pieces(given)).abs().max()) < 1e-4


def test_google_to_hugging_face_and_back(tmp_path: Path) -> None:
    given = lively(SMALL)
    write_google(tmp_path / "one" / "model.ckpt", given)
    write_folder(tmp_path / "two", open_checkpoint(tmp_path / "one"))
    write_google(tmp_path / "three" / "model.ckpt", open_checkpoint(tmp_path / "two"))
    one, three = (bundle.read(tmp_path / folder) for folder in ("one", "three"))
    assert one.keys() == three.keys()
    assert all(np.array_equal(array, three[name]) for name, array in one.items())


def test_the_config_is_looked_for(tmp_path: Path) -> None:
    write_google(tmp_path / "model.ckpt", lively(SMALL))
    (tmp_path / "albert_config.json").rename(tmp_path / "albert_config_tiny.json")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert config_beside(tmp_path / "model.ckpt").name == "albert_config_tiny.json"
    (tmp_path / "other_config.json").write_text('{"hidden_size": 3}')
    with pytest.raises(ModelError, match=r"there are albert_config_tiny\.json, other_config\.json"):
        open_checkpoint(tmp_path)
    (tmp_path / "other_config.json").unlink()
    (tmp_path / "albert_config_tiny.json").unlink()
    with pytest.raises(ModelError, match=r"needs its albert_config\.json in the same folder; there is none"):
        open_checkpoint(tmp_path)


def test_what_google_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="tanh approximation"):
        write_google(tmp_path / "model.ckpt", lively(replace(SMALL, activation="gelu")))
    with pytest.raises(ModelError, match="E = H"):
        write_google(tmp_path / "model.ckpt", lively(replace(SMALL, embedding=24, factor="always")))
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_not_finite_are_named(tmp_path: Path) -> None:
    given = lively(SMALL)
    given.encoder["pooler.dense.bias"][3] = float("nan")  # type: ignore[index]
    write_google(tmp_path / "model.ckpt", given)
    with pytest.raises(ModelError, match=r"albert\.pooler\.bias holds numbers that are not finite"):
        open_checkpoint(tmp_path)


def listed(folder: Path) -> dict[str, NDArray[Any]]:
    """Random variables of the names and shapes that a real checkpoint's index lists."""
    rng = np.random.default_rng(0)
    return {
        name: (rng.standard_normal(entry.shape) * 0.05 + name.endswith("gamma")).astype(np.float32)
        for name, entry in bundle.read_index(folder).items()
    }


def test_a_checkpoint_of_googles_names(data_folder: Path, tmp_path: Path) -> None:
    """albert_base_zh: the variables of the real index, its real config."""
    real = data_folder / "albert_ckpt_index" / "google_albert_base_zh"
    bundle.write(tmp_path / "model.ckpt-best", listed(real))
    (tmp_path / "albert_config.json").write_bytes((real / "albert_config.json").read_bytes())
    found = read_google(tmp_path)
    assert found.config == published("albert-zh-base")
    assert found.config.parameters == 10_547_968 == sum(t.numel() for t in found.encoder.values())
    assert found.architecture == "ForPreTraining"
    assert str(found.report) == ""


def test_a_checkpoint_of_brightmarts_names(data_folder: Path, tmp_path: Path) -> None:
    """albert_tiny_zh, whose graph is another: the head's logits against the formula in its code."""
    real = data_folder / "albert_ckpt_index" / "brightmart_albert_tiny_zh"
    variables = listed(real)
    bundle.write(tmp_path / "albert_model.ckpt", variables)
    (tmp_path / "albert_config_tiny.json").write_bytes((real / "albert_config_tiny.json").read_bytes())
    found = open_checkpoint(tmp_path)
    assert found.config == published("albert-zh-brightmart-tiny")
    assert str(found.report) == ""
    body = found.build().eval()
    head = MaskedLanguage(found.config).eval().tied_to(body.embeddings)
    head.load_state_dict(found.head("masked"))
    some = Encoding(np.array([101, 2769, 102], np.int32), np.zeros(3, np.int8), np.zeros((3, 2), np.int32))
    with torch.no_grad():
        hidden = body(pack([some]))
        logits = head(hidden)["vocabulary"]
        _check_embeddings(body, variables)
        v = {name: torch.from_numpy(array) for name, array in variables.items()}
        x = (
            hidden.pieces @ v["cls/predictions/transform/dense/kernel"]
            + v["cls/predictions/transform/dense/bias"]
        )
        x = F.layer_norm(
            F.gelu(x, approximate="tanh"),
            (312,),
            v["cls/predictions/transform/LayerNorm/gamma"],
            v["cls/predictions/transform/LayerNorm/beta"],
            1e-12,
        )
        wanted = x @ v["bert/embeddings/word_embeddings_2"].T @ v["bert/embeddings/word_embeddings"].T
        wanted += v["cls/predictions/output_bias"]
    assert float((logits - wanted).abs().max()) < 1e-3
    assert float(wanted.std()) > 0.1


def _check_embeddings(body: Encoder, variables: Mapping[str, NDArray[Any]]) -> None:
    """words · word_embeddings_2 + positions + segments, all at H, then the norm."""
    from litebert.model.blocks import Pass

    v = {name: torch.from_numpy(a) for name, a in variables.items() if "embeddings" in name}
    ids = torch.tensor([101, 2769, 102])
    x = v["bert/embeddings/word_embeddings"][ids] @ v["bert/embeddings/word_embeddings_2"]
    x = x + v["bert/embeddings/position_embeddings"][:3] + v["bert/embeddings/token_type_embeddings"][0]
    x = F.layer_norm(
        x, (312,), v["bert/embeddings/LayerNorm/gamma"], v["bert/embeddings/LayerNorm/beta"], 1e-12
    )
    some = Encoding(ids.numpy().astype(np.int32), np.zeros(3, np.int8), np.zeros((3, 2), np.int32))
    got = body.embeddings(pack([some]), Pass(torch.float32))[:3]
    assert float((got - x).abs().max()) < 1e-4
