"""Hugging Face folders whose parts do not fit together, and those of ours that others have changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reference import checkpoint, encoder, encodings, far, lively, small
from safetensors.torch import load_file, save_file
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.huggingface import from_huggingface, to_huggingface
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.packing import pack
from litebert.model.pretraining_heads import MaskedLanguage

UNTIED = small(feedforward=(0, 1, 2, 3))
QUERY = "encoder.albert_layer_groups.{}.albert_layers.0.attention.query.weight"


def written(given: Checkpoint) -> tuple[dict[str, Any], dict[str, Tensor]]:
    return to_huggingface(given)


def pieces(given: Checkpoint) -> Tensor:
    with torch.no_grad():
        return given.build().eval()(pack(encodings())).pieces


def test_copies_that_differ_are_read_one_by_one() -> None:
    raw, tensors = written(checkpoint(UNTIED))
    tensors[QUERY.format(2)] = tensors[QUERY.format(2)] + 1
    found = from_huggingface(raw, tensors)
    assert found.config.attention == (0, 1, 2, 3)
    assert torch.equal(found.encoder["attention.2.query.weight"], tensors[QUERY.format(2)])
    assert torch.equal(found.encoder["attention.1.query.weight"], tensors[QUERY.format(1)])
    (note,) = found.report.notes
    assert QUERY.format(0) in note and QUERY.format(2) in note


def test_keys_that_others_changed_win_and_it_is_said() -> None:
    raw, tensors = written(checkpoint(small()))
    found = from_huggingface(raw | {"num_hidden_layers": 3}, tensors)
    assert found.config.attention == (0, 0, 0)
    assert "do not fit" in str(found.report)


def test_factors_that_are_gone_or_others(tmp_path: Path) -> None:
    given = checkpoint(small(factor="late"))
    write_folder(tmp_path, given)
    assert str(open_checkpoint(tmp_path).report) == ""
    factors = load_file(tmp_path / "factors.safetensors")
    factors["embeddings.factor.weight"] += 0.1
    save_file(factors, tmp_path / "factors.safetensors")
    found = open_checkpoint(tmp_path)
    assert "others by now" in str(found.report)
    assert (found.config.factor, found.config.embedding) == ("early", 24)
    assert far(pieces(found), pieces(given)) < 1e-5
    (tmp_path / "factors.safetensors").unlink()
    assert "not there" in str(open_checkpoint(tmp_path).report)


def test_missing_pooler_is_reported_and_begun_afresh() -> None:
    raw, tensors = written(checkpoint(small()))
    found = from_huggingface(raw, {name: t for name, t in tensors.items() if "pooler" not in name})
    assert found.report.missing == ("pooler.weight", "pooler.bias")
    assert "2 missing, so begun afresh: pooler.weight, pooler.bias" in str(found.report)
    pooler = found.build().pooler.dense
    assert 0 < float(pooler.weight.detach().std()) < 0.03
    assert not pooler.bias.any()


def test_missing_head_and_what_has_no_place_are_reported() -> None:
    raw, tensors = written(checkpoint(small()))
    raw["architectures"] = ["AlbertForSequenceClassification"]
    tensors["lstm.weight"] = torch.ones(2)
    tensors["embeddings.position_ids"] = torch.arange(80)[None]
    found = from_huggingface(raw, tensors)
    assert found.report.missing == ("classifier.weight", "classifier.bias")
    assert found.report.unexpected == ("lstm.weight",)
    assert "1 without a place, so left out: lstm.weight" in str(found.report)


def test_unknown_class_is_said_and_read_by_its_weights() -> None:
    raw, tensors = written(checkpoint(small()))
    raw["architectures"] = ["AlbertForPoetry"]
    found = from_huggingface(
        raw, tensors | {"qa_outputs.weight": torch.ones(2, 24), "qa_outputs.bias": torch.ones(2)}
    )
    assert found.architecture == "ForQuestionAnswering"
    assert "'ForPoetry' is not known" in str(found.report)


def test_a_lacking_block_is_an_error_not_a_fresh_start() -> None:
    raw, tensors = written(checkpoint(small()))
    del tensors[QUERY.format(0)]
    with pytest.raises(ModelError, match=f"lacks weights of the encoder: {QUERY.format(0)}"):
        from_huggingface(raw, tensors)
    with pytest.raises(ModelError, match="lacks weights of the encoder"):
        from_huggingface(raw, {})


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        (QUERY.format(0), (24, 23), r"query.weight has the shape \[24, 23\], .* should have \[24, 24\]"),
        ("embeddings.word_embeddings.weight", (61, 16), r"\[61, 16\], .* \[60, 16\]"),
        ("pooler.bias", (1,), r"pooler.bias has the shape \[1\]"),
        ("qa_outputs.weight", (3, 24), r"span.weight has the shape \[3, 24\], .* \[2, 24\]"),
        ("predictions.bias", (61,), r"masked.bias has the shape \[61\]"),
    ],
)
def test_misshapen_tensors_are_named_with_both_shapes(name: str, shape: tuple[int, ...], said: str) -> None:
    raw, tensors = written(checkpoint(small()))
    with pytest.raises(ModelError, match=said):
        from_huggingface(raw, tensors | {name: torch.zeros(shape)})


def test_labels_and_rows_must_agree() -> None:
    heads = {"classifier.weight": torch.ones(3, 24), "classifier.bias": torch.ones(3)}
    given = checkpoint(small(), heads=heads, architecture="ForSequenceClassification", labels=("a", "b"))
    with pytest.raises(ModelError, match=r"classifier.weight has the shape \[3, 24\], .* \[2, 24\]"):
        to_huggingface(given)
    raw, tensors = to_huggingface(replace(given, labels=("a", "b", "c")))
    with pytest.raises(ModelError, match="should have"):
        from_huggingface(raw | {"id2label": {"0": "a"}}, tensors)


def test_writing_needs_every_weight() -> None:
    given = checkpoint(small())
    with pytest.raises(ModelError, match=r"ForMaskedLM needs masked.bias, masked.dense.bias"):
        to_huggingface(replace(given, architecture="ForMaskedLM"))
    lacking = {name: t for name, t in given.encoder.items() if name != "pooler.dense.bias"}
    with pytest.raises(ModelError, match=r"lacks pooler.dense.bias"):
        to_huggingface(replace(given, encoder=lacking))
    with pytest.raises(ModelError, match=r"embeddings.norm.bias has the shape \[3\]"):
        to_huggingface(replace(given, encoder={**given.encoder, "embeddings.norm.bias": torch.ones(3)}))


def test_old_names_of_norms_and_prefixes() -> None:
    config = small(embedding=24, family="bert").shared("none")
    raw, tensors = written(checkpoint(config))
    old = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
        for name, t in tensors.items()
    }
    assert any("gamma" in name for name in old)
    found = from_huggingface(raw, old)
    assert str(found.report) == ""
    assert all(
        torch.equal(tensor, found.encoder[name]) for name, tensor in encoder(config).state_dict().items()
    )
    with pytest.raises(ModelError, match="two tensors are"):
        from_huggingface(raw, tensors | old)


def test_second_names_of_tied_weights() -> None:
    head = lively(MaskedLanguage(small())).state_dict()
    given = checkpoint(
        small(), heads={f"masked.{name}": t for name, t in head.items()}, architecture="ForMaskedLM"
    )
    raw, tensors = to_huggingface(given)
    words = tensors["albert.embeddings.word_embeddings.weight"]
    tied = tensors | {"predictions.decoder.weight": words.clone(), "predictions.decoder.bias": head["bias"]}
    assert not from_huggingface(raw, tied).report.unexpected
    del tied["predictions.bias"]
    assert torch.equal(from_huggingface(raw, tied).heads["masked.bias"], head["bias"])
    apart = from_huggingface(raw, tied | {"predictions.decoder.weight": words + 1})
    assert apart.report.unexpected == ("predictions.decoder.weight",)
    assert "not the weight that it is tied to" in str(apart.report)


def test_what_is_built_is_ones_own() -> None:
    given = checkpoint(small())
    one, other = given.build(), given.build()
    with torch.no_grad():
        one.embeddings.words.weight.zero_()
    assert other.embeddings.words.weight.any() and given.encoder["embeddings.words.weight"].any()
    assert all(parameter.requires_grad and not parameter.is_meta for parameter in one.parameters())


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model is here"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no weights beside it"):
        open_checkpoint(tmp_path)
    write_folder(tmp_path, checkpoint(small()))
    (tmp_path / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has weights, but no config.json"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": ')
    with pytest.raises(ModelError, match=r"config.json:1:16: not JSON"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="expected an object"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "albert"}')
    with pytest.raises(ModelError, match=f"{tmp_path}: the config lacks vocab_size"):
        open_checkpoint(tmp_path)


def test_a_folder_by_one_of_its_files(tmp_path: Path) -> None:
    write_folder(tmp_path, checkpoint(small()))
    for name in ("config.json", "model.safetensors"):
        assert open_checkpoint(tmp_path / name).config == small()
    assert json.loads((tmp_path / "config.json").read_text())["feedforward"] == [0, 0, 0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
