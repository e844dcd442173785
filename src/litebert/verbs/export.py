"""`litebert export`: a trained model for another runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.engine.exported import Exported


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a trained model for another runtime, with its task and tokenizer, and compare the answers.

    That runtime uses the folder without litebert (docs/export.md); so does `litebert predict --model OUT`.

    Example: litebert export runs/reviews runs/reviews-onnx --to onnx --precision int8
    """

    positional: ClassVar[bool] = True

    model: str
    """A run folder, a Hugging Face folder or a hub name."""
    out: Path
    """The folder to write; it must be new or empty."""
    to: Literal["onnx", "openvino", "torch"] = "onnx"
    """onnx: for ONNX Runtime. openvino: for OpenVINO. torch: for torch alone, by torch.export."""
    precision: Literal["fp32", "bf16", "int8"] = "fp32"
    """onnx has fp32 and int8, openvino all three, torch fp32 and bf16."""
    task: str | None = None
    """What is asked of a model that has no task of its own: embedding, fill-mask."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max."""
    sample: str | None = None
    """A file of Inputs to compare the answers by, and to calibrate int8 with; left out, example reviews."""

    def run(self) -> Exported:
        """Writes the folder, whole or not at all; returns what it holds, and how well it agrees."""
        from litebert.exporting.export import export

        return export(
            self.model,
            self.out,
            to=self.to,
            precision=self.precision,
            task=self.task,
            options=self.options,
            sample=self.sample,
            tell=tell,
        )

    def main(self) -> int:
        exported = self.run()
        files = self.out.glob(f"{Path(exported.file).stem}.*")  # OpenVINO's weights are beside its graph.
        size = sum(file.stat().st_size for file in files)
        print(f"{self.out} holds the model for {exported.runner} in {exported.precision}, {_bytes(size)}")
        print(_agreement(exported.agreement))
        return 0


def export(model: str | Path, out: str | Path, **options: Any) -> Exported:
    """Write the model `model` to the folder `out` for another runtime; options are the fields of `Export`."""
    return made(Export, {"model": str(model), "out": Path(out), **options}).run()


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _agreement(found: dict[str, float]) -> str:
    return (
        f"compared with fp32 on {found['inputs']:.0f} inputs: scores differ by at most "
        f"{found['difference']:.2g}, {found['changed']:.1%} of the answers are other ones"
    )
