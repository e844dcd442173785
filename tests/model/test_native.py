"""The compiled kernels against torch's own operators, forward and back."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from litebert.model import attention, likelihood
from litebert.model.activations import gelu_new
from litebert.model.blocks import Norm
from litebert.model.dropout import Draw, Noise, dropout
from litebert.model.native import compiler, compiling
from litebert.model.native import likelihood as words
from litebert.model.packing import Packed, pack_flat

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def _wanted() -> Iterator[None]:
    with compiler.kernels(True):
        assert compiling.serves(torch.ones(1))
        yield


def _batch(lengths: list[int], *, causal: bool = False) -> Packed:
    n = sum(lengths)
    ids, segments = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    return pack_flat(ids, segments, np.array(lengths), np.arange(len(lengths)), causal=causal)


def _results(function: Callable[..., Tensor], *given: Tensor) -> list[Tensor]:
    """What comes out, and the gradients of what went in, in fp32."""
    inputs = [x.clone().requires_grad_() for x in given]
    y = function(*inputs)
    weights = torch.linspace(-1, 1, y.numel()).view_as(y)
    gradients = torch.autograd.grad((y.float() * weights).sum(), inputs)
    return [t.detach().float() for t in (y, *gradients)]


def _close(found: list[Tensor], wanted: list[Tensor], tolerance: float) -> None:
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)


def _by_torch(batch: Packed, heads: int, noise: Noise | None) -> Callable[[Tensor], Tensor]:
    return lambda qkv: attention.applied(attention._Attend, qkv, batch, heads, noise)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=5),
    heads=st.sampled_from([1, 3]),
    depth=st.sampled_from([1, 8, 17, 26]),
    causal=st.booleans(),
    rate=st.sampled_from([0.0, 0.4]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_attention_is_torchs(
    lengths: list[int], heads: int, depth: int, causal: bool, rate: float, dtype: torch.dtype
) -> None:
    batch = _batch(lengths, causal=causal)
    qkv = torch.randn(len(batch.ids), 3 * heads * depth, generator=torch.Generator().manual_seed(1)).to(dtype)
    noise = Noise(rate, Draw(2, 3), 4) if rate else None
    found = _results(lambda x: attention.attend(x, batch, heads, noise), qkv)
    wanted = _results(_by_torch(batch, heads, noise), qkv.float())
    _close(found, wanted, 2e-5 if dtype is torch.float32 else 2e-2)


def test_attention_in_bf16_is_nearer_to_fp32_than_torchs_products() -> None:
    batch = _batch([5, 17, 64, 130])
    qkv = torch.randn(len(batch.ids), 3 * 48).bfloat16()
    exact = _results(_by_torch(batch, 3, None), qkv.float())
    ours = _results(lambda x: attention.attend(x, batch, 3, None), qkv)
    theirs = _results(_by_torch(batch, 3, None), qkv)
    for a, b, c in zip(ours, theirs, exact, strict=True):
        assert (a - c).norm() <= (b - c).norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("width", [1, 7, 24, 312])
def test_what_is_dropped_is_what_torch_drops(width: int, dtype: torch.dtype) -> None:
    x, rows = torch.randn(37, width).to(dtype), Draw(2, 3).rows(torch.arange(37), 4)
    ours = _results(lambda x: dropout(x, 0.3, rows), x)
    with compiler.kernels(False):
        _close(ours, _results(lambda x: dropout(x, 0.3, rows), x), 1e-2 if dtype is torch.bfloat16 else 1e-6)
    assert 0 < (ours[0] == 0).sum() < ours[0].numel() or width == 1


@pytest.mark.parametrize("width", [7, 24, 312])
def test_the_norm_of_a_sum_is_torchs(width: int) -> None:
    norm = Norm(width)
    torch.nn.init.normal_(norm.weight)
    x, y = torch.randn(2, 37, width)

    def ours(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        norm.weight, norm.bias = torch.nn.Parameter(weight.detach()), torch.nn.Parameter(bias.detach())
        z = norm.added(x, y)
        z.backward(torch.linspace(-1, 1, z.numel()).view_as(z), retain_graph=True)
        assert norm.weight.grad is not None and norm.bias.grad is not None
        return z + 0 * (weight.sum() + bias.sum())

    def theirs(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(x + y, (width,), weight, bias, norm.eps)

    given = x, y, norm.weight.detach(), norm.bias.detach()
    found, wanted = _results(ours, *given), _results(theirs, *given)
    _close(found[:3], wanted[:3], 2e-5)
    _close([norm.weight.grad, norm.bias.grad], wanted[3:], 2e-4)


def test_a_norm_in_bf16_is_left_to_torch() -> None:
    norm = Norm(8).bfloat16()
    x = torch.randn(3, 8).bfloat16()
    torch.testing.assert_close(norm.added(x, x), F.layer_norm(x + x, (8,), norm.weight, norm.bias, norm.eps))


def test_gelu_and_its_slope_are_torchs() -> None:
    x = torch.cat([torch.linspace(-120, 120, 999), torch.tensor([0.0, -1e6, 1e6])])
    found = _results(gelu_new, x)
    _close(found, _results(lambda x: F.gelu(x, approximate="tanh"), x), 1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_not_a_number_stays_so(dtype: torch.dtype) -> None:
    batch = _batch([4, 3])
    qkv = torch.randn(len(batch.ids), 12).to(dtype)
    qkv[1, 0] = torch.nan
    found = attention.attend(qkv.requires_grad_(), batch, 1, None)
    assert found[1].isnan().all() and not found[4:].isnan().any()
    assert gelu_new(torch.tensor([torch.nan, 1.0], dtype=dtype).requires_grad_())[0].isnan()
    assert (
        Norm(8).added(torch.full((1, 8), torch.nan, dtype=dtype), torch.ones(1, 8, dtype=dtype)).isnan().all()
    )


def test_every_number_of_threads_gives_the_same_attention_and_the_same_twice() -> None:
    batch, threads = _batch([70, 3, 16, 40]), torch.get_num_threads()
    qkv = torch.randn(len(batch.ids), 3 * 48).bfloat16()
    found = []
    try:
        for count in (1, 2, 2):
            torch.set_num_threads(count)
            found.append(_results(lambda x: attention.attend(x, batch, 3, None), qkv))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_without_a_compiler_that_works_torch_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(compiling, "compiler", lambda: str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiling._library.cache_clear()
    try:
        assert not compiling.serves(torch.ones(1))
        x = torch.randn(5).requires_grad_()
        torch.testing.assert_close(gelu_new(x), F.gelu(x, approximate="tanh"))
    finally:
        compiling._library.cache_clear()


def test_a_compiler_without_openmp_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working, without = compiler.compiler(), tmp_path / "without"
    without.write_text(f'#!/bin/sh\ncase "$*" in *-fopenmp*) exit 1;; esac\nexec {working} "$@"\n')
    without.chmod(0o755)
    monkeypatch.setenv("CXX", str(without))
    assert compiler.compiler.__wrapped__() is None


def test_a_compiler_that_makes_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    working = compiler.compiler()
    assert working is not None
    assert compiler.works(working)
    for broken in ("false", "true"):
        monkeypatch.setenv("CXX", broken)
        assert compiler.compiler.__wrapped__() is None


def _program(path: Path, does: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return str(path)


def test_where_gcc_makes_nothing_clang_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "g++", "exit 1")
    clang = _program(tmp_path / "clang++", f'exec {compiler.compiler()} "$@"')
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert compiler.compiler.__wrapped__() == clang
    monkeypatch.setenv("CXX", "ccache g++")
    assert compiler.compiler.__wrapped__() == clang


def test_a_cache_that_cannot_be_written_to_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiling._library.cache_clear()
    try:
        assert compiling.serves(torch.ones(1))
    finally:
        compiling._library.cache_clear()


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The library's file: with an empty cache in `tmp_path`, what a compiler makes in no time."""
    library = compiling._library()
    assert library is not None
    data = Path(library._name).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling, "_compile", lambda path: bool(path.write_bytes(data)))
    return data


@pytest.mark.parametrize("damage", ["cut", "emptied", "another", "pipe", "folder"])
def test_a_damaged_library_in_the_cache_is_not_loaded_but_made_again(
    tmp_path: Path, whole: bytes, damage: str
) -> None:
    assert compiling._built("v") is not None
    (kept,) = (tmp_path / "litebert").iterdir()
    assert compiling._kept("v") is not None
    kept.unlink()
    match damage:
        case "pipe":
            os.mkfifo(kept)
        case "folder":
            kept.mkdir()
        case _:
            kept.write_bytes({"cut": whole[:40_000], "emptied": b"", "another": whole + b"\0"}[damage])
    assert compiling._kept("v") is None
    again = compiling._built("v")
    assert again is not None
    assert again.gelu_forward_float
    assert damage == "folder" or kept.read_bytes() == whole


@pytest.mark.usefixtures("whole")
def test_what_one_compiler_made_does_not_serve_who_has_another_but_who_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (_program(tmp_path / "bin" / name, "exit 1") for name in ("c++-1", "c++-2"))
    name = tmp_path / "c++"
    name.symlink_to(one)
    monkeypatch.setenv("CXX", str(name))
    assert compiling._built(compiling._made_of()) is not None
    assert compiling._kept(compiling._made_of()) is not None
    name.unlink()
    name.symlink_to(other)
    assert compiling._kept(compiling._made_of()) is None
    name.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler.compilers() == ()
    assert compiling._kept(compiling._made_of()) is not None


@pytest.mark.usefixtures("whole")
def test_libraries_that_nobody_uses_any_more_go_when_another_is_made(tmp_path: Path) -> None:
    old, recent, foreign = (
        tmp_path / "litebert" / name for name in ("kernels-a-b.so", "kernels-c-d.so", "x.so")
    )
    (tmp_path / "litebert").mkdir()
    for path, days in ((old, 31), (recent, 29), (foreign, 31)):
        path.write_bytes(b"")
        os.utime(path, (time.time() - days * 86_400,) * 2)
    assert compiling._built("v") is not None
    (kept,) = (tmp_path / "litebert").glob("kernels-v-*.so")
    assert set((tmp_path / "litebert").iterdir()) == {kept, recent, foreign}
    os.utime(kept, (0, 0))
    assert compiling._kept("v") is not None
    assert kept.stat().st_mtime > time.time() - 60, "it was used now"


@pytest.fixture
def compiling_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is begun beside is a program that says in this file that it ran, and fails."""
    begun, program = tmp_path / "begun", tmp_path / "program"
    program.write_text(f"#!/bin/sh\nps -o sid= -p $$ >> {begun}\necho noise >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return begun


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited for 30 seconds"
        time.sleep(0.01)


def _sessions(begun: Path) -> list[int]:
    return [int(line) for line in begun.read_text().splitlines()] if begun.exists() else []


def test_who_finds_none_begins_one_compilation_beside_that_outlives_it(
    compiling_beside: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert compiling._found.__wrapped__() is None
    _until(lambda: len(_sessions(compiling_beside)) == 1)
    (session,) = _sessions(compiling_beside)
    assert session != os.getsid(0), "it would be stopped by Ctrl-C"
    _until(lambda: not Path(f"/proc/{session}").exists())
    assert compiling._found.__wrapped__() is None
    (mark,) = (compiling_beside.parent / "cache/litebert").iterdir()
    os.utime(mark, (time.time() - compiling._TRIED - 1,) * 2)
    assert compiling._found.__wrapped__() is None
    _until(lambda: len(_sessions(compiling_beside)) == 2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("whole")
def test_the_mark_of_a_compilation_goes_with_its_end(tmp_path: Path) -> None:
    compiling._mark("v")
    with pytest.raises(FileExistsError):
        compiling._mark("v")
    assert compiling._built("v") is not None
    assert [path.suffix for path in (tmp_path / "litebert").iterdir()] == [".so"]


@pytest.mark.parametrize("cause", ["no cache", "no Python", "no sources"])
def test_where_nothing_can_be_begun_beside_nothing_is_said(
    compiling_beside: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], cause: str
) -> None:
    match cause:
        case "no cache":
            monkeypatch.setenv("XDG_CACHE_HOME", str(compiling_beside.parent / "program"))
        case "no Python":
            monkeypatch.setattr(sys, "executable", str(compiling_beside.parent / "missing"))
        case "no sources":
            monkeypatch.setattr(compiling, "SOURCES", (compiling_beside.parent / "missing.cpp",))
    assert compiling._found.__wrapped__() is None
    assert capfd.readouterr() == ("", "")


def test_a_cache_is_no_relative_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert compiling.cache_folder() == Path.home() / ".cache/litebert"


def test_it_is_not_used_where_it_is_not_wanted_or_not_known() -> None:
    assert not compiling.serves(torch.ones(1, dtype=torch.float64))
    assert not compiling.serves(torch.ones(1), torch.ones(1).bfloat16())
    with compiler.kernels(False):
        assert not compiling.serves(torch.ones(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_likelihoods_and_their_gradient_are_torchs(dtype: torch.dtype) -> None:
    scores = (torch.randn(9, 301) * 8).to(dtype)
    aims = torch.arange(9) * 37 % 301

    def ours(x: Tensor) -> Tensor:
        return torch.stack(likelihood._likelihood(x, aims))

    def theirs(x: Tensor) -> Tensor:
        logarithms = torch.log_softmax(x.float(), 1)
        return torch.stack([logarithms.gather(1, aims[:, None])[:, 0], logarithms.mean(1)])

    _close(_results(ours, scores), _results(theirs, scores), 1e-4 if dtype is torch.float32 else 1e-2)


@pytest.mark.parametrize("aim", [-100, 9, 2**40])
def test_a_word_that_is_none_is_refused(aim: int) -> None:
    scores, aims = torch.zeros(3, 9), torch.tensor([0, aim, 8])
    with pytest.raises(IndexError, match="likelihood_forward"):
        words.likelihood(scores, aims)


def test_attention_without_memory_says_so() -> None:
    count = 400_000
    qkv, batch = torch.zeros(count, 3 * 8), _batch([count])
    attention.attend(qkv[:8], _batch([8]), 2, None)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + (80 << 20), limits[1]))
    try:
        with pytest.raises(MemoryError, match="no memory for attend_forward"):
            attention.attend(qkv, batch, 2, None)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
