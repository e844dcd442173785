"""All layers in one call against the same layers one after another."""

from __future__ import annotations

import copy
import ctypes
import pickle
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from litebert.embedded import model_folder
from litebert.engine.calibration import calibrate
from litebert.engine.runners.eager import Eager
from litebert.model.config import EncoderConfig, Ranks
from litebert.model.encoders import albert
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Reads
from litebert.model.model import Model
from litebert.model.native import compiler, compiling, layers
from litebert.model.packing import Packed, pack_flat
from litebert.model.staged import of_lengths
from litebert.tasks.heads import Pooled
from litebert.text.loading import load_tokenizer

CONFIG = EncoderConfig(
    vocabulary=load_tokenizer(model_folder()).size,
    embedding=24,
    hidden=40,
    heads=4,
    intermediate=100,
    positions=512,
    attention=(0, 1, 0),
    feedforward=(0, 0, 1),
)
USES = ("qkv", "output", "up", "down")
WITHIN = {torch.float32: 1e-5, torch.bfloat16: 0.1, torch.int8: 0.1}
"""How far apart numbers of about 1 may be; in bf16 each of the two ways is so far from fp32."""


@pytest.fixture(autouse=True)
def _built() -> Iterator[None]:
    with compiler.kernels(True):
        if not layers.serves(CONFIG, torch.float32, torch.device("cpu")):
            pytest.skip("needs a C++ compiler and AVX-512")
        yield


def _encoder(dtype: torch.dtype, config: EncoderConfig = CONFIG) -> Encoder:
    if not layers.serves(config, dtype, torch.device("cpu")):
        pytest.skip(f"this processor is left to torch in {dtype}")
    torch.manual_seed(1)
    encoder = Encoder(replace(config, initial_std=0.2)).eval()
    if dtype is torch.int8:
        calibrate(encoder, load_tokenizer(model_folder()))
    encoder.dtype = dtype
    return encoder


def _batch(lengths: list[int], segments: int = 1) -> Packed:
    """segments: of how many kinds pieces are."""
    n = sum(lengths)
    draw = np.random.default_rng(n)
    ids, segments_ = draw.integers(0, CONFIG.vocabulary, n), draw.integers(0, segments, n)
    return pack_flat(ids, segments_, np.array(lengths), np.arange(len(lengths)))


def _states(encoder: Encoder, batch: Packed, reads: Reads) -> Tensor:
    with torch.inference_mode():
        hidden = encoder(batch, reads)
    return (hidden.first if hidden.pieces is None else hidden.pieces).float()


def _one_after_another(encoder: Encoder, batch: Packed, reads: Reads) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(albert, "serves", lambda *_: False)
        return _states(encoder, batch, reads)


@pytest.mark.parametrize("dtype", list(WITHIN))
@settings(max_examples=8, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 70) | st.just(300), min_size=1, max_size=9),
    reads=st.sampled_from(["first", "pieces", "memory"]),
)
def test_it_is_the_layers_one_after_another(dtype: torch.dtype, lengths: list[int], reads: Reads) -> None:
    encoder, batch = _encoder(dtype), _batch(lengths)
    found, wanted = _states(encoder, batch, reads), _one_after_another(encoder, batch, reads)
    count = len(batch) if reads == "first" else batch.count
    assert (found[:count] - wanted[:count]).abs().max() < WITHIN[dtype]
    assert (found[count:] == 0).all()


@pytest.fixture(scope="module")
def without_amx(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The library that a processor without AMX has."""
    if not torch.cpu._is_amx_tile_supported():
        pytest.skip("this processor has no AMX: the other tests are by vectors")
    path = tmp_path_factory.mktemp("vectors") / "kernels.so"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_FLAGS", (*compiling._FLAGS, "-mno-amx-tile"))
        assert compiling._compile(path)
    return ctypes.CDLL(str(path))


@pytest.mark.parametrize("dtype", list(WITHIN))
def test_vectors_answer_as_amx_does(
    dtype: torch.dtype, without_amx: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, batch = _encoder(dtype), _batch([9, 33, 160, 1, 20])
    for reads in ("first", "pieces"):
        found = _states(encoder, batch, reads)[: batch.count]
        with monkeypatch.context() as patch:
            patch.setattr(layers, "library", lambda: without_amx)
            wanted = _states(_encoder(dtype), batch, reads)[: batch.count]
        assert (found - wanted).abs().max() < WITHIN[dtype]


@pytest.mark.parametrize(
    "change",
    [
        {"embedding": CONFIG.hidden},
        {"embedding": CONFIG.hidden, "factor": "always"},
        {"embedding": 50},
        {"factor": "late"},
        {"segments": 5},
    ],
)
@pytest.mark.parametrize("dtype", list(WITHIN))
def test_other_embeddings(dtype: torch.dtype, change: dict[str, object]) -> None:
    encoder, batch = _encoder(dtype, replace(CONFIG, **change)), _batch([9, 33, 160], segments=2)  # type: ignore[arg-type]
    for reads in ("first", "pieces"):
        found, wanted = (way(encoder, batch, reads) for way in (_states, _one_after_another))
        away = (found - wanted)[: len(batch) if reads == "first" else batch.count].abs()
        assert away.mean() < WITHIN[dtype] / 4 and away.max() < 2 * WITHIN[dtype]


@pytest.mark.parametrize("dtype", list(WITHIN))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_pooler_is_torchs(dtype: torch.dtype, threads: int) -> None:
    encoder, batch = _encoder(dtype), _batch([9, 33, 160, 1, 20])
    with torch.no_grad():
        encoder.pooler.dense.weight *= 3  # So that both ends of tanh are met.
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            hidden = encoder(batch, "first")
            wanted = encoder.pooler(hidden.first)
    finally:
        torch.set_num_threads(before)
    assert wanted.abs().max() > 0.99
    torch.testing.assert_close(hidden.pooled, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("what,number", [("ids", CONFIG.vocabulary), ("ids", -1), ("segments", 2)])
def test_what_no_table_has_is_refused(what: str, number: int) -> None:
    encoder, batch = _encoder(torch.float32), _batch([9, 33])
    getattr(batch, what)[40] = number
    with pytest.raises(IndexError, match=f"{CONFIG.vocabulary} pieces, 512 places, 2 segments"):
        _states(encoder, batch, "pieces")


def test_a_text_longer_than_the_positions_is_refused() -> None:
    encoder = _encoder(torch.float32)
    with pytest.raises(IndexError, match="512 places"):
        _states(encoder, _batch([9, 513]), "first")


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("dtype", list(WITHIN))
def test_other_activations(dtype: torch.dtype, activation: str) -> None:
    encoder, batch = _encoder(dtype, replace(CONFIG, activation=activation)), _batch([9, 33])  # type: ignore[arg-type]
    found, wanted = _states(encoder, batch, "pieces"), _one_after_another(encoder, batch, "pieces")
    assert (found - wanted).abs().max() < WITHIN[dtype]


@pytest.mark.parametrize("dtype", list(WITHIN))
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("reads", ["first", "pieces"])
def test_a_sequence_alone_is_answered_as_beside_others_bit_for_bit(
    dtype: torch.dtype, threads: int, reads: Reads
) -> None:
    encoder, lengths = _encoder(dtype), [150, 1, 31, 2, 64, 17, 200, 97, 5, 145, 33, 70, 71, 72, 160, 155]
    batch = _batch(lengths)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = _states(encoder, batch, reads)
        for number, (start, length) in enumerate(zip(batch.starts.tolist(), lengths, strict=False)):
            alone = _states(encoder, _cut(batch, start, length), reads)
            row = slice(number, number + 1) if reads == "first" else slice(start, start + length)
            assert torch.equal(alone, together[row])
    finally:
        torch.set_num_threads(before)


def _cut(batch: Packed, start: int, length: int) -> Packed:
    ids, segments = (x[start : start + length].numpy() for x in (batch.ids, batch.segments))
    return pack_flat(ids, segments, np.array([length]), np.array([0]))


@pytest.mark.parametrize("dtype", list(WITHIN))
def test_several_threads_at_once_are_answered_as_one_after_another(dtype: torch.dtype) -> None:
    small, large = _encoder(dtype), _encoder(dtype, replace(CONFIG, hidden=96, intermediate=200))
    asked = [(encoder, _batch([n, 2 * n + 1, 150])) for n in (1, 17, 70) for encoder in (small, large)] * 3
    wanted = [_states(encoder, batch, "pieces") for encoder, batch in asked]
    for encoder in (small, large):
        encoder._kept_layers.clear()  # Whoever comes first packs them anew.
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda one: _states(*one, "pieces"), asked))
    assert all(map(torch.equal, found, wanted))


def test_threads_of_two_precisions_ask_one_model_at_once() -> None:
    encoder = _encoder(torch.float32)
    calibrate(encoder, load_tokenizer(model_folder()))
    model = Model(encoder, Pooled(CONFIG, 3)).eval()
    runners = [Eager(model, dtype) for dtype in WITHIN]
    asked = [(runner, _batch([n, 2 * n + 1])) for n in (1, 17, 70) for runner in runners] * 10
    wanted = [runner(batch)["logits"] for runner, batch in asked]
    assert not np.array_equal(wanted[0], wanted[1]), "another precision has another answer"
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda one: one[0](one[1])["logits"], asked))
    assert all(map(np.array_equal, found, wanted))
    native = {dtype for dtype in WITHIN if layers.serves(CONFIG, dtype, torch.device("cpu"))}
    assert set(encoder._kept_layers) == native, "each is packed once"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("reads", ["first", "pieces"])
def test_one_very_long_sequence(reads: Reads, threads: int) -> None:
    encoder, batch = _encoder(torch.float32, replace(CONFIG, positions=4096)), _batch([4095])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = _states(encoder, batch, reads)
    finally:
        torch.set_num_threads(before)
    assert torch.allclose(found, _one_after_another(encoder, batch, reads), atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_without_memory_it_says_so(threads: int) -> None:
    encoder, batch = _encoder(torch.float32), of_lengths(np.array([400_000]), 400_000)
    states = torch.zeros(len(batch.ids), CONFIG.hidden)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before, limits = torch.get_num_threads(), resource.getrlimit(resource.RLIMIT_AS)
    torch.set_num_threads(threads)
    with torch.inference_mode():
        encoder.through(
            torch.zeros(8, CONFIG.hidden), of_lengths(np.array([8]), 8), encoder.run(), first=True
        )
        resource.setrlimit(resource.RLIMIT_AS, (size + (300 << 20), limits[1]))
        try:
            with pytest.raises(MemoryError, match="400000 pieces"):
                encoder.through(states, batch, encoder.run(), first=True)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)
            torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", ["gelu_new", "gelu", "relu"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_stays_none(dtype: torch.dtype, activation: str, number: float) -> None:
    encoder, batch = _encoder(dtype, replace(CONFIG, activation=activation)), _batch([9, 33])  # type: ignore[arg-type]
    with torch.no_grad():
        encoder.feedforward[0].up.weight[3, 2] = number  # type: ignore[union-attr, index, operator]
    assert _states(encoder, batch, "pieces").isnan().all()


@pytest.mark.parametrize("dtype", list(WITHIN))
def test_a_state_that_is_no_number_spoils_its_sequence_alone(dtype: torch.dtype) -> None:
    encoder, batch = _encoder(dtype), _batch([9, 33])
    with torch.inference_mode():
        states = torch.randn(len(batch.ids), CONFIG.hidden)
        whole = encoder.through(states, batch, encoder.run(), first=False).float()
        states[4, 7] = float("nan")
        found = encoder.through(states, batch, encoder.run(), first=False).float()
    assert found[4].isnan().all()
    assert torch.equal(found[9:], whole[9:])
    if dtype is not torch.int8:  # Where it becomes some whole number for the others, as with torch.
        assert found[:9].isnan().all()


def test_scores_far_apart_are_as_torchs() -> None:
    encoder, batch = _encoder(torch.float32), _batch([9, 33])
    with torch.no_grad():
        encoder.attention[0].query.weight *= 1e9  # type: ignore[union-attr]
        encoder.attention[0].key.weight *= 1e9  # type: ignore[union-attr]
    for reads in ("first", "pieces"):
        found, wanted = _states(encoder, batch, reads), _one_after_another(encoder, batch, reads)
        assert F.cosine_similarity(found, wanted).median() > 0.99


@pytest.mark.parametrize("dtype", list(WITHIN))
def test_what_reaches_far_further_than_8_bits_is_cut_there(dtype: torch.dtype) -> None:
    encoder, batch = _encoder(dtype), _batch([9, 33])
    with torch.no_grad():
        encoder.feedforward[0].up.weight *= 1e11  # type: ignore[union-attr]
    found, wanted = _states(encoder, batch, "pieces"), _one_after_another(encoder, batch, "pieces")
    assert F.cosine_similarity(found, wanted).mean() > 0.95


@pytest.mark.parametrize("dtype", list(WITHIN))
def test_an_encoder_that_has_answered_is_copied(dtype: torch.dtype) -> None:
    encoder, batch = _encoder(dtype), _batch([9, 33])
    before = _states(encoder, batch, "pieces")
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert torch.equal(_states(other, batch, "pieces"), before)


def _written(encoder: Encoder) -> None:
    encoder.feedforward[0].up.weight *= 1.5  # type: ignore[union-attr]


def _pointed_elsewhere(encoder: Encoder) -> None:
    encoder.embeddings.words.weight.data = encoder.embeddings.words.weight.data * 1.5


def _put_in_place(encoder: Encoder) -> None:
    encoder.embeddings.norm.bias = torch.nn.Parameter(torch.ones(CONFIG.embedding))


def _another_part(encoder: Encoder) -> None:
    encoder.feedforward[0] = copy.deepcopy(encoder.feedforward[1])


@pytest.mark.parametrize("change", [_written, _pointed_elsewhere, _put_in_place, _another_part])
def test_weights_that_change_are_packed_anew(change: Callable[[Encoder], None]) -> None:
    encoder, batch = _encoder(torch.float32), _batch([12, 30])
    before = _states(encoder, batch, "first")
    with torch.no_grad():
        change(encoder)
    after = _states(encoder, batch, "first")
    assert not torch.allclose(before, after, atol=1e-3)
    assert torch.allclose(after, _one_after_another(encoder, batch, "first"), atol=1e-5)


@pytest.mark.parametrize("dtype", list(WITHIN))
@pytest.mark.parametrize(
    "change",
    [
        {"block_heads": (3, 3)},
        {"block_heads": (1, 2), "block_units": (100, 37)},
        {"block_units": (3, 1)},
        {"intermediate": 101},
        {"hidden": 48, "heads": 3, "block_heads": (2, 1)},
    ],
)
def test_blocks_that_were_made_smaller_are_answered_in_one_call(
    change: dict[str, object], dtype: torch.dtype
) -> None:
    encoder = _encoder(dtype, replace(CONFIG, **change))  # type: ignore[arg-type]
    for reads in ("first", "pieces"):
        batch = _batch([1, 70, 20])
        found, wanted = _states(encoder, batch, reads), _one_after_another(encoder, batch, reads)
        assert encoder._kept_layers
        assert (found[: len(wanted)] - wanted).abs().max() < WITHIN[dtype]


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16])
def test_it_writes_fp32_whatever_numbers_are_by_default(default: torch.dtype) -> None:
    encoder, batch = _encoder(torch.float32), _batch([12, 30])
    wanted = _states(encoder, batch, "first")
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        assert torch.equal(_states(encoder, batch, "first"), wanted)
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("change", [{"ranks": Ranks(up=8)}, {"hidden": 42, "heads": 2}])
def test_other_shapes_go_one_after_another(change: dict[str, object]) -> None:
    config = replace(CONFIG, **change)  # type: ignore[arg-type]
    assert not layers.serves(config, torch.bfloat16, torch.device("cpu"))
    torch.manual_seed(1)
    encoder = Encoder(config).eval()
    assert _states(encoder, _batch([7]), "first").isfinite().all()


def test_in_8_bits_every_matrix_is_stored_once_and_every_use_of_it_is_quantised() -> None:
    encoder, batch = _encoder(torch.int8), _batch([20])
    _states(encoder, batch, "pieces")
    kept = encoder._kept_layers[torch.int8]
    matrices = [x.dtype for x in kept._held if x.dim() == 4]
    assert matrices.count(torch.int8) == 4 * 2 + 2 * 2  # Two blocks of either kind.
    assert len(matrices) == 12 + 2  # And the embeddings' factor, and the pooler's.
    scales = [getattr(layer, use).scale for layer in kept._each for use in USES]
    assert len(scales) == 4 * CONFIG.layers and all(0 < scale < 1 for scale in scales)


@pytest.mark.parametrize("together,dtype", [(1, torch.float32), (2, torch.bfloat16), (4, torch.int8)])
def test_panels_hold_each_weight_once(together: int, dtype: torch.dtype) -> None:
    weight = torch.arange(40 * 12).remainder(127).view(40, 12).to(dtype)
    packed = layers.panels(weight)
    assert packed.shape == (2, 16, 32, together)
    back = packed.transpose(1, 2).reshape(64, 16 * together)
    assert torch.equal(back[:40, :12], weight)
    assert (back[40:] == 0).all() and (back[:, 12:] == 0).all()
