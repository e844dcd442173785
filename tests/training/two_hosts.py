"""Two hosts as network namespaces, with a relay between them that can delay, and a link that can be cut.

    host a (10.77.0.1) ── veth ── relay ── veth ── host b (10.77.0.2)

The relay is a process in a namespace of its own that hands on each frame after a while: not every kernel has
netem. As a program: `two_hosts.py SECONDS`.
"""

from __future__ import annotations

import array
import fcntl
import heapq
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

NAMES = {"a": "litebert-a", "b": "litebert-b", "relay": "litebert-relay"}
ADDRESSES = {"a": "10.77.0.1", "b": "10.77.0.2"}
CARD = "card0"
"""What the network card of each host is called."""
_ETC = Path("/etc/netns")
"""Where `ip netns exec` finds what takes the place of files in /etc."""
_SIOCETHTOOL, _NO_CHECKSUMS, _NO_SEGMENTS, _NO_MERGING = 0x8946, 0x17, 0x1F, 0x24
_LONGEST_FRAME = 70_000


def why_not() -> str:
    """Why there can be no namespaces here; empty if there can."""
    if os.geteuid() or not shutil.which("ip"):
        return "network namespaces need root and the command ip"
    made = subprocess.run(["ip", "netns", "add", "litebert-probe"], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    _ip("netns del litebert-probe")
    return ""


class TwoHosts:
    """Made when entered, gone when left."""

    def __init__(self) -> None:
        self._relay: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> TwoHosts:
        self._remove()
        for name in NAMES.values():
            _ip(f"netns add {name}")
            _write_etc(_ETC / name)
        for host, address in ADDRESSES.items():
            _ip(f"link add {CARD} netns {NAMES[host]} type veth peer name {host} netns {NAMES['relay']}")
            _ip(f"-n {NAMES[host]} addr add {address}/24 dev {CARD}")
            for up in ("lo", CARD):
                _ip(f"-n {NAMES[host]} link set dev {up} up")
            self.connect(host)
            self._run_here(host, "--plain-frames").wait()
        self.delay(0.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_relay()
        self._remove()

    def delay(self, seconds: float) -> None:
        """From now on each frame takes so long."""
        self._stop_relay()
        self._relay = self._run_here("relay", str(seconds))

    def cut(self, host: str) -> None:
        """Takes its link down."""
        _ip(f"-n {NAMES['relay']} link set dev {host} down")

    def connect(self, host: str) -> None:
        _ip(f"-n {NAMES['relay']} link set dev {host} up")

    def on(self, host: str, command: list[str]) -> list[str]:
        """The command that runs another on that host."""
        return ["ip", "netns", "exec", NAMES[host], *command]

    def _run_here(self, host: str, argument: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.on(host, [sys.executable, __file__, argument]))

    def _stop_relay(self) -> None:
        if self._relay:
            self._relay.send_signal(signal.SIGTERM)
            self._relay.wait(10)

    def _remove(self) -> None:
        there = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        for name in NAMES.values():
            shutil.rmtree(_ETC / name, ignore_errors=True)
            if name in there.split():
                _ip(f"netns del {name}")


def _write_etc(folder: Path) -> None:
    """What the hosts have in /etc: each other's names, and no name server, which would be waited for."""
    folder.mkdir(parents=True)
    names = "".join(f"{address} {host}\n" for host, address in ADDRESSES.items())
    (folder / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n{names}")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)


def plain_frames() -> None:
    """Makes the card send frames as they are on a wire: with their checksums, and no longer than they may
    be. A card that is none leaves that to the other end, which then gets it from a relay."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_NO_CHECKSUMS, _NO_SEGMENTS, _NO_MERGING):
            value = array.array("B", struct.pack("II", command, 0))
            asked = struct.pack("16sP", CARD.encode(), value.buffer_info()[0])
            fcntl.ioctl(any_socket, _SIOCETHTOOL, asked)


def relay(delay: float) -> None:
    """Hands frames on between `a` and `b` until it is stopped."""
    ends = {name: _listening(name) for name in ADDRESSES}
    others = {ends["a"]: ends["b"], ends["b"]: ends["a"]}
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    count = 0
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for end in select.select(list(others), [], [], left)[0]:
            try:
                frame, address = end.recvfrom(_LONGEST_FRAME)
            except OSError:  # Its link is down.
                time.sleep(0.01)
                continue
            if address[2] != socket.PACKET_OUTGOING:
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay, count, others[end], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(waiting)
            try:
                end.send(frame)
            except OSError:  # A frame to a link that is down is lost.
                continue


def _listening(card: str) -> socket.socket:
    every_kind = socket.htons(3)
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, every_kind)
    end.bind((card, 0))
    return end


if __name__ == "__main__":
    plain_frames() if sys.argv[1] == "--plain-frames" else relay(float(sys.argv[1]))
