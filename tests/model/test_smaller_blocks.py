"""Encoders whose blocks were made smaller: what they compute, and their way through files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Checkpoint, shapes
from litebert.model.checkpoints.compact import COMPACT
from litebert.model.checkpoints.huggingface import from_huggingface, to_huggingface
from litebert.model.checkpoints.loading import read_folder, write_folder
from litebert.model.checkpoints.widening import factors, narrowed, widened
from litebert.model.config import EncoderConfig, Ranks
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import Packed, pack
from litebert.text.encoding import Encoding, join
from litebert.text.wordpiece import WordPieceTokenizer

WHOLE = EncoderConfig(
    vocabulary=40,
    embedding=8,
    hidden=24,
    heads=4,
    intermediate=36,
    attention=(0, 0, 1),
    feedforward=(0, 1, 0),
    positions=16,
    initial_std=0.3,
)
SMALLER = {
    "heads": replace(WHOLE, block_heads=(1, 3)),
    "units": replace(WHOLE, block_units=(36, 5)),
    "ranks": replace(WHOLE, ranks=Ranks(qkv=5, output=3, up=7, down=4)),
    "all": replace(WHOLE, block_heads=(2, 4), block_units=(9, 30), ranks=Ranks(qkv=6, down=5)),
    "bert": replace(WHOLE, embedding=24, family="bert", block_heads=(3, 2), block_units=(7, 36)),
}
Tensors = Mapping[str, Tensor]


def encoder_of(config: EncoderConfig, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    encoder = Encoder(config).eval()
    for name, tensor in encoder.named_parameters():
        if name.endswith("bias"):  # they start at zero, and zero hides what is left out
            torch.nn.init.normal_(tensor, std=0.3)
    return encoder


def batch_of() -> Packed:
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    tokenizer = WordPieceTokenizer(vocabulary)
    texts = (" ".join(letters[:n]) for n in (1, 4, 9))
    return pack([joined(tokenizer, text) for text in texts])


def joined(tokenizer: WordPieceTokenizer, text: str) -> Encoding:
    return join(tokenizer, tokenizer.encode(text), limit=16)[0]


def pieces(encoder: Encoder, batch: Packed) -> Tensor:
    with torch.inference_mode():
        found = encoder(batch).pieces
    assert found is not None
    return found


@pytest.mark.parametrize("name", SMALLER)
def test_it_is_what_the_filled_up_encoder_is(name: str) -> None:
    """In answering, and in training's own attention, forward and back."""
    small = encoder_of(SMALLER[name])
    config, weights = widened(small.config, small.state_dict())
    whole = Encoder(config).eval()
    whole.load_state_dict(dict(weights))
    batch = batch_of()
    assert torch.allclose(pieces(small, batch), pieces(whole, batch), atol=1e-5)
    hidden = {key: one(batch).first.square().sum() for key, one in (("small", small), ("whole", whole))}
    assert torch.allclose(hidden["small"], hidden["whole"], rtol=1e-5)
    for value in hidden.values():
        value.backward()  # type: ignore[no-untyped-call]
    ours, theirs = (one.embeddings.words.weight.grad for one in (small, whole))
    assert ours is not None and theirs is not None and torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("name", SMALLER)
def test_training_the_filled_up_leaves_zeros_zero(name: str) -> None:
    small = encoder_of(SMALLER[name])
    config, weights = widened(small.config, small.state_dict())
    whole = Encoder(config)
    whole.load_state_dict(dict(weights))
    whole(batch_of()).first.square().sum().backward()
    for parameter in whole.parameters():
        if parameter.grad is not None:
            parameter.data -= 0.01 * parameter.grad
    without_ranks = replace(small.config, ranks=Ranks())
    assert narrowed(without_ranks, whole.state_dict()) is not None


@pytest.mark.parametrize("weights", ["fp32", "int8"])
@pytest.mark.parametrize("name", SMALLER)
def test_through_a_folder(tmp_path: Path, name: str, weights: str) -> None:
    small = encoder_of(SMALLER[name])
    write_folder(tmp_path, Checkpoint(small.config, small.state_dict()), weights=weights)  # type: ignore[arg-type]
    read = read_folder(tmp_path)
    assert (tmp_path / COMPACT).is_file() == (weights == "int8")
    assert read.config == small.config
    assert not str(read.report)
    assert {name: tensor.shape for name, tensor in read.encoder.items()} == shapes(small.config)
    batch, near = batch_of(), 1e-5 if weights == "fp32" else 0.2
    assert torch.allclose(pieces(read.build().eval(), batch), pieces(small, batch), atol=near)


@pytest.mark.parametrize("name", SMALLER)
def test_transformers_opens_the_folder(tmp_path: Path, name: str) -> None:
    from transformers import AutoModel

    small, batch = encoder_of(SMALLER[name]), batch_of()
    write_folder(tmp_path, Checkpoint(small.config, small.state_dict()))
    theirs = AutoModel.from_pretrained(tmp_path).eval()
    rows = batch.ids[: batch.count].split(list(batch.lengths))
    with torch.inference_mode():
        found = torch.cat([theirs(input_ids=row[None]).last_hidden_state[0] for row in rows])
    assert torch.allclose(found, pieces(small, batch), atol=1e-5)


def test_what_was_trained_into_the_zeros_is_kept() -> None:
    small = encoder_of(SMALLER["heads"])
    raw, tensors = to_huggingface(Checkpoint(small.config, small.state_dict()))
    for name in (name for name in tensors if name.endswith("attention.dense.weight")):
        tensors[name] = tensors[name].clone()
        tensors[name][0, -1] = 1.0
    read = from_huggingface(raw, tensors)
    assert read.config == WHOLE
    assert "read whole" in str(read.report)


def test_counts_of_parameters_are_those_of_the_tensors() -> None:
    for config in (WHOLE, *SMALLER.values()):
        assert config.parameters == sum(shape.numel() for shape in shapes(config).values())


@pytest.mark.parametrize(
    "wrong", [{"block_heads": (1,)}, {"block_heads": (1, 5)}, {"block_units": (0, 3)}, {"ranks": Ranks(-1)}]
)
def test_numbers_that_do_not_fit_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=next(iter(wrong))):
        replace(WHOLE, **wrong)  # type: ignore[arg-type]


def test_of_very_many_numbers_the_first_are_told() -> None:
    with pytest.raises(ModelError, match=r"for each of 2 blocks, but is \(3, 3, .*…$") as told:
        replace(WHOLE, block_heads=(3,) * 10_000)
    assert len(told.value.message) < 300


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(60, 24), (24, 60)])
def test_a_product_is_taken_apart(shape: tuple[int, int], seed: int) -> None:
    """However little its last direction is."""
    draws = torch.Generator().manual_seed(seed)
    outer, inner = torch.randn(shape[0], 9, generator=draws), torch.randn(9, shape[1], generator=draws)
    matrix = outer @ (inner * torch.logspace(0, -4, 9)[:, None])
    left, right = factors(matrix, 9)
    assert (left.shape[1], right.shape[0]) == (9, 9)
    assert torch.allclose(left @ right, matrix, atol=1e-5)
