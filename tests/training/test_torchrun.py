"""Pretraining as torchrun starts it: on this host, and on two that are network namespaces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_pretraining import Place, environment, flags, free_port
from two_hosts import ADDRESSES, CARD, TwoHosts, why_not

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
LONGEST = 500


def _command(place: Place, out: Path, **options: Any) -> list[str]:
    given = place.options(**{"progress": "lines", **options})
    return ["-m", "litebert", "pretrain", "--out", str(out), *flags(given)]


def _until_step(out: Path, step: int, log: Path) -> None:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        if (out / "metrics.jsonl").exists() and (out / "metrics.jsonl").read_bytes().count(b"\n") >= step:
            return
        time.sleep(0.01)
    raise AssertionError(log.read_text())


def _workers(of: int) -> list[int]:
    """The processes that an agent has started, by their numbers' order."""
    listed = Path(f"/proc/{of}/task/{of}/children").read_text().split()
    return sorted(
        int(child) for child in listed if b"pretrain" in Path(f"/proc/{child}/cmdline").read_bytes()
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks processes up in /proc")
def test_a_killed_process_is_replaced_and_the_run_goes_on(place: Place, tmp_path: Path) -> None:
    """`kill -9` of one of two: torchrun starts both again, and they end in the bits of a run left alone."""
    outs = [tmp_path / "whole", tmp_path / "killed"]
    for out in outs:
        log = Path(f"{out}.log")
        start = ["--nproc-per-node", "2", "--max-restarts", "3", "--master-port", str(free_port())]
        command = [*TORCHRUN, *start, *_command(place, out, steps=16, save_steps=4)]
        with log.open("w") as file:
            agent = subprocess.Popen(command, stdout=file, stderr=file, env=environment())
        if out.name == "killed":
            _until_step(out, 6, log)
            os.kill(_workers(agent.pid)[-1], signal.SIGKILL)
        assert agent.wait(LONGEST) == 0, log.read_text()
    said = (tmp_path / "killed.log").read_text()
    assert "Going on from update" in said
    assert "16 updates" in said and said.count("The model is in") == 1
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    if reason := why_not():
        pytest.skip(reason)
    with TwoHosts() as made:
        yield made


class OnBoth:
    """One run, with a process on each of two hosts."""

    def __init__(self, hosts: TwoHosts, place: Place, out: Path, **options: Any) -> None:
        self.out, self.started = out, time.monotonic()
        self.logs = [Path(f"{out}.{host}.log") for host in ADDRESSES]
        port = str(free_port())
        self.agents = []
        for rank, (host, log) in enumerate(zip(ADDRESSES, self.logs, strict=True)):
            start = ["--nnodes", "2", "--node-rank", str(rank), "--nproc-per-node", "1"]
            start += ["--master-addr", ADDRESSES["a"], "--master-port", port]
            # Only the first has the folder: the other is told another, as if on a disk of its own.
            folder = out if rank == 0 else tmp_beside(out)
            command = [*TORCHRUN, *start, *_command(place, folder, **options)]
            with log.open("a") as file:
                agent = subprocess.Popen(
                    hosts.on(host, command),
                    stdout=file,
                    stderr=file,
                    env=environment(GLOO_SOCKET_IFNAME=CARD) | {"PATH": os.environ["PATH"]},
                )
            self.agents.append(agent)

    def wait(self) -> list[int]:
        try:
            return [agent.wait(LONGEST) for agent in self.agents]
        finally:
            for agent in self.agents:
                agent.kill()

    def said(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)


def tmp_beside(out: Path) -> Path:
    return out.with_name(f"{out.name}-elsewhere")


@pytest.mark.slow
def test_two_hosts_far_apart_train_as_one(hosts: TwoHosts, place: Place, tmp_path: Path) -> None:
    """With 20 ms each way between them; and the second host needs no folder."""
    hosts.delay(0.02)
    run = OnBoth(hosts, place, tmp_path / "far", steps=20)
    assert run.wait() == [0, 0], run.said()
    hosts.delay(0.0)
    near = OnBoth(hosts, place, tmp_path / "near", steps=20)
    assert near.wait() == [0, 0], near.said()
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (run.out / name).read_bytes() == (near.out / name).read_bytes()
    assert not tmp_beside(run.out).exists()


@pytest.mark.slow
def test_a_partition_ends_both_hosts_and_the_run_goes_on_after_it(
    hosts: TwoHosts, place: Place, tmp_path: Path
) -> None:
    hosts.delay(0.0)
    whole = OnBoth(hosts, place, tmp_path / "whole", steps=300, wait=15)
    assert whole.wait() == [0, 0], whole.said()
    out = tmp_path / "cut"
    run = OnBoth(hosts, place, out, steps=300, wait=15)
    _until_step(out, 10, run.logs[0])
    hosts.cut("b")
    cut = time.monotonic()
    while run.said().count("[lost]") < 2:
        assert time.monotonic() - cut < 90, run.said()
        time.sleep(0.1)
    assert all(log.read_text().count("has not answered for 15 s") == 1 for log in run.logs), run.said()
    hosts.connect("b")
    assert all(code != 0 for code in run.wait()), run.said()
    again = OnBoth(hosts, place, out, steps=300, wait=15)
    assert again.wait() == [0, 0], again.said()
    assert "Going on from update" in again.said()
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (out / name).read_bytes() == (whole.out / name).read_bytes()
