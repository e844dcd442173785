"""Models by path and by hub name: a hub of our own on the loopback, asked over HTTP by a fresh process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from litebert.errors import ModelError
from litebert.model.checkpoints.hub import could_be_hub_name, resolve

COMMIT = "c0ffee" * 6 + "c0ff"
CODE = "raise SystemExit('code from a hub was run')"
FILES = {
    "config.json": '{"model_type": "albert"}',
    "model.safetensors": "weights",
    "pytorch_model.bin": "pickle",
    "spiece.model": "pieces",
    "modeling_albert.py": CODE,
    "README.md": "# card",
    "onnx/config.json": "{}",
    "tf_model.h5": "keras",
}
OLD = {name: text for name, text in FILES.items() if name != "model.safetensors"}


@dataclass
class Hub:
    """What the hub has, and what it was asked for."""

    models: dict[str, dict[str, str]] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)
    """For a model, the token that opens it."""
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    endpoint: str = ""


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        for name, files in self.hub.models.items():
            if path.startswith((f"/api/models/{name}/", f"/{name}/resolve/")):
                return self.of(name, files, path)
        return self.send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})

    def of(self, name: str, files: dict[str, str], path: str) -> None:
        token = self.hub.private.get(name)
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            return self.send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        if name in self.hub.gated:
            return self.send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        if path == f"/api/models/{name}/revision/main":
            siblings = [{"rfilename": file} for file in files]
            return self.send_json({"_id": "1", "id": name, "sha": COMMIT, "siblings": siblings})
        if path == f"/api/models/{name}/tree/{COMMIT}":
            return self.send_json([entry(file, text) for file, text in files.items()])
        text = files.get(path.removeprefix(f"/{name}/resolve/{COMMIT}/"))
        if text is None:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        tag = f'"{hashlib.sha1(text.encode()).hexdigest()}"'
        return self.send(200, text.encode(), {"ETag": tag, "X-Repo-Commit": COMMIT})

    def send_json(self, value: Any) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def entry(file: str, text: str) -> dict[str, Any]:
    return {"type": "file", "path": file, "size": len(text), "oid": hashlib.sha1(text.encode()).hexdigest()}


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub({"org/tiny": FILES, "alone": FILES, "org/old": OLD})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": made}))
    made.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


ASK = """
import json, sys
from litebert.errors import ModelError
from litebert.model.checkpoints.hub import resolve
said = []
for name in sys.argv[1:]:
    try:
        said.append(str(resolve(name)))
    except ModelError as error:
        said.append("ModelError: " + error.message)
assert "torch" not in sys.modules
print(json.dumps(said))
"""


def ask(hub: Hub, folder: Path, *names: str, **environment: str) -> list[str]:
    """What a new process makes of the names, in `folder`, with a cache of its own there."""
    plain = {
        k: v for k, v in os.environ.items() if not k.upper().startswith("HF_") and "proxy" not in k.lower()
    }
    plain |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "cache"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    source = str(Path(__file__).parents[3] / "src")
    done = subprocess.run(
        [sys.executable, "-c", ASK, *names],
        env=plain | {"PYTHONPATH": source} | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(said, list)
    return said


def contents(folder: str) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*") if path.is_file()
    }


def test_by_name_and_then_offline(hub: Hub, tmp_path: Path) -> None:
    tiny, alone = ask(hub, tmp_path, "org/tiny", "alone")
    wanted = {name: FILES[name] for name in ("config.json", "model.safetensors", "spiece.model")}
    assert contents(tiny) == contents(alone) == wanted
    assert str(tmp_path / "cache") in tiny
    hub.asked.clear()
    offline = ask(hub, tmp_path, "org/tiny", "org/unknown", HF_HUB_OFFLINE="1")
    assert offline[0] == tiny
    assert "HF_HUB_OFFLINE" in offline[1] and "org/unknown" in offline[1]
    assert not hub.asked


def test_a_pickle_is_fetched_only_where_there_is_nothing_else(hub: Hub, tmp_path: Path) -> None:
    (old,) = ask(hub, tmp_path, "org/old")
    assert contents(old).keys() == {"config.json", "pytorch_model.bin", "spiece.model"}
    assert not any(".py" in asked or "onnx" in asked or ".h5" in asked for asked in hub.asked)


def test_what_cannot_be_had_is_said(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "org-tiny").mkdir()
    (tmp_path / "reviews").mkdir()
    hub.models |= {"org/secret": FILES, "org/gated": FILES}
    hub.private["org/secret"] = "hf_sesame"
    hub.gated.add("org/gated")
    names = ("org/nothing", "org/secret", "org/gated", "reviws", "reviews/missing", "./org/tiny")
    nothing, secret, gated, slip, missing, dotted = ask(hub, tmp_path, *names)
    assert nothing.startswith(
        "ModelError: org/nothing: there is no such path, and no such model at http://127"
    )
    assert "HF_TOKEN does not open it" in secret
    assert "its owners ask for consent" in gated
    assert slip.endswith("did you mean 'reviews'?")
    assert missing == "ModelError: reviews/missing: there is no such file or folder"
    assert dotted == "ModelError: ./org/tiny: there is no such file or folder"
    assert not any("missing" in asked for asked in hub.asked)
    (opened,) = ask(hub, tmp_path, "org/secret", HF_TOKEN="hf_sesame")
    assert (Path(opened) / "config.json").is_file()


def test_a_hub_that_is_not_there(hub: Hub, tmp_path: Path) -> None:
    (said,) = ask(hub, tmp_path, "org/tiny", HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith(
        "ModelError: org/tiny: there is no such path, http://127.0.0.1:9 cannot be reached"
    )


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_paths_never_touch_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "tiny").mkdir(parents=True)
    (tmp_path / "model.ckpt.index").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("org/tiny") == Path("org/tiny")
    assert resolve("org") == Path("org")
    assert resolve("model.ckpt") == Path("model.ckpt")
    assert resolve("~/org") == tmp_path / "org"
    assert resolve(Path("org")) == Path("org")
    with pytest.raises(ModelError, match=r"no such file or folder; did you mean 'org/tiny'\?"):
        resolve("org/tinny")
    for name in ("/none/such", "a/b/c", "x" * 5000, "a\0b", "two words", "c:\\models"):
        with pytest.raises(ModelError, match="no such file or folder"):
            resolve(name)
    with pytest.raises(ModelError, match="no such file or folder"):
        resolve(Path("albert-base-v2"))
    with pytest.raises(ModelError, match="name is empty"):
        resolve("")


@pytest.mark.parametrize(
    ("name", "could"),
    [
        ("albert/albert-base-v2", True),
        ("bert-base-chinese", True),
        ("voidful/albert_chinese_tiny", True),
        ("a.b/c.d", True),
        ("a..b/c", False),
        ("a--b/c", False),
        ("-a/b", False),
        ("a/b.", False),
        ("a/b/c", False),
        ("名/b", False),
        ("a/" + "b" * 100, False),
    ],
)
def test_what_could_be_a_name_on_the_hub_is_told(name: str, could: bool) -> None:
    assert could_be_hub_name(name) is could
