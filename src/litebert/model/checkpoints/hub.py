"""A model by path or by its name on a Hugging Face hub.

`huggingface-hub` does the fetching, and reads HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN itself. Only
files that we read are fetched: no code, and a pickle only where there is nothing else.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from litebert.errors import ModelError

SMALL = (
    "config.json",
    "task.json",
    "run.json",
    "spiece.model",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "factors.safetensors",
)
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")
_NAME = re.compile(r"[A-Za-z0-9_](?:[\w.-]*\w)?(?:/[A-Za-z0-9_](?:[\w.-]*\w)?)?", re.ASCII)
_NOT_IN_NAME = re.compile(r"--|\.\.")
_NAME_LIMIT = 96


def resolve(name: str | Path) -> Path:
    """Where a model's files are on this machine: a path as it stands, a hub name when it is fetched.

    A path never touches the network. It is a path if something is there, if its first folder is there, or if
    it cannot be a hub's name (`albert/albert-base-v2`, `bert-base-chinese`). Raises `ModelError` if there is
    no such path or no such model, or if the hub cannot be reached and has not been before.
    """
    if name == "":
        raise ModelError("the model's name is empty: give a path, or a name on a hub")
    path = Path(name).expanduser()
    if is_there(path):
        return path
    in_a_folder = len(path.parts) > 1 and Path(path.parts[0]).is_dir()
    if isinstance(name, Path) or in_a_folder or not could_be_hub_name(name):
        raise ModelError(f"{name}: there is no such file or folder{_hint(path)}")
    return _fetched(name)


def is_there(path: Path) -> bool:
    """Whether there is a file or folder, or a TensorFlow checkpoint of that prefix."""
    try:
        return path.exists() or path.with_name(path.name + ".index").exists()
    except (OSError, ValueError):  # a name too long, or with a null in it
        return False


def could_be_hub_name(name: str) -> bool:
    """Whether a hub could have a model of that name; nothing is asked of one."""
    return len(name) <= _NAME_LIMIT and not _NOT_IN_NAME.search(name) and bool(_NAME.fullmatch(name))


def _fetched(name: str) -> Path:
    """The folder in the hub's cache, with the weights in one form at least."""
    folder = _snapshot(name, SMALL + WEIGHTS)
    if any(any(folder.glob(pattern)) for pattern in WEIGHTS):
        return folder
    return _snapshot(name, SMALL + PICKLES)


def _snapshot(name: str, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), ignore_patterns=["*/*"]))
    except GatedRepoError as error:
        raise ModelError(
            f"{name}: its owners ask for consent; give it at {constants.ENDPOINT}/{name} and set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"{name}: there is no such path, and no such model at {constants.ENDPOINT} (or it is "
            f"private, and HF_TOKEN does not open it){_hint(Path(name))}"
        ) from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name}: there is no such path, {_why(error, constants.ENDPOINT)}, and it was not fetched whole "
            f"before{_hint(Path(name))}"
        ) from error
    except Exception as error:  # of whichever HTTP client the library uses, or the disk's
        raise ModelError(f"{name}: fetching it from {constants.ENDPOINT} failed: {error}") from error


def _why(error: Exception, endpoint: str) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error.__cause__, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE keeps from asking a hub for a model of that name"
    return f"{endpoint} cannot be reached"


def _hint(path: Path) -> str:
    """The nearest folder beside where the path would be, if it looks like a slip."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_dir()]
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(path.parent / close[0])!r}?" if close else ""
