"""Folders that `litebert export` wrote: what stands in them, and how one is opened.

The weights are in another runtime's file; `export.json` says of which, what goes in and what comes out;
`task.json` and the tokenizer's files are those of any run's folder. To answer by one, torch is not imported,
which would take longer than all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from litebert import names
from litebert.durable import replace_json
from litebert.engine.padding import Padding, Rows
from litebert.engine.predictor import Predictor
from litebert.errors import ModelError, UsageError, first_fault
from litebert.model.checkpoints.files import read_json
from litebert.tasks.as_json import TASK_FILE, from_json
from litebert.tasks.naming import with_options
from litebert.text.loading import load_tokenizer

MANIFEST = "export.json"
Precision = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What `export.json` holds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    format: str
    """What `--to` took."""
    precision: Precision
    runner: str
    """What runs it, by its name in `engine/runners/`."""
    extra: str
    """The extra of litebert by which what runs it is installed; empty if it always is."""
    file: str
    """Where the weights are."""
    inputs: tuple[str, ...]
    """What goes in, in order: int64 [batch, length] each, but for `at`, int64 [gaps]."""
    outputs: dict[str, Rows]
    """What comes out, in order, and of what each has a row."""
    positions: int
    """The most pieces of one sequence."""
    facts: dict[str, int] = field(default_factory=dict)
    """More on the file: ONNX's opset, how many products are in int8."""
    agreement: dict[str, float] = field(default_factory=dict)
    """How near its scores and answers are to those of the model in fp32 (`exporting/agreement.py`)."""

    def save(self, folder: Path) -> None:
        replace_json(folder / MANIFEST, asdict(self))


def is_exported(name: str | None) -> bool:
    """Whether a model's name is a folder that `litebert export` wrote. Raises `ModelError` where the system
    does not let anybody look."""
    try:
        return name is not None and (Path(name) / MANIFEST).is_file()
    except OSError as error:
        raise ModelError(f"{name} cannot be read: {error.strerror or error}") from None


def open_exported(
    folder: Path, *, task: str | None = None, options: Sequence[str] = (), precision: str = "auto"
) -> Predictor[Any, Any]:
    """Ready to answer. Raises `ModelError` for a folder that is damaged or for another task, `UsageError` for
    another precision than it has, or where what runs it is not installed."""
    manifest, asked = _manifest(folder), from_json(read_json(folder / TASK_FILE))
    if task is not None and task.replace("_", "-") != asked.name:
        raise ModelError(f"{folder} was exported for the task {asked.name}, and has no head for {task}")
    if precision not in ("auto", manifest.precision):
        raise UsageError(
            f"{folder} was exported in {manifest.precision} and cannot be run in {precision}; "
            f"export it again with --precision {precision}, or leave --precision out"
        )
    tokenizer = load_tokenizer(folder)
    run = names.find("litebert.engine.runners", manifest.runner, "runner").load(folder, manifest)
    return Predictor(Padding(run, manifest, tokenizer.mask), with_options(asked, options), tokenizer)


def require(what: str, extra: str, *packages: str) -> None:
    """Raises `UsageError` if a package is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}: pip install 'litebert[{extra}]'")


def _manifest(folder: Path) -> Exported:
    from pydantic import TypeAdapter, ValidationError

    raw: Mapping[str, Any] = read_json(folder / MANIFEST)
    try:
        manifest = TypeAdapter(Exported).validate_python(raw)
    except ValidationError as error:
        where, what = first_fault(error)
        raise ModelError(f"{folder / MANIFEST}, {where}: {what}") from None
    if Path(manifest.file).name != manifest.file or not (folder / manifest.file).is_file():
        raise ModelError(f"{folder} is an exported model without its weights, {manifest.file}")
    return manifest
