"""`litebert convert`: the same weights in another layout, or under another sharing plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True)
class Convert:
    """Write a model in another layout, or with its blocks shared in another way.

    Tied to untied is exact; untied to tied is the mean of the blocks, which must be trained again.

    Example: litebert convert runs/reviews reviews-hf --to huggingface
    """

    source: Annotated[str, tyro.conf.Positional]
    """A run folder, a Hugging Face folder, a TensorFlow checkpoint, or a hub name."""
    target: Annotated[Path, tyro.conf.Positional]
    """The folder to write; it must be new or empty."""
    to: Literal["huggingface", "tensorflow"] = "huggingface"
    """huggingface: config.json, model.safetensors, tokenizer. tensorflow: Google's TF1 checkpoint."""
    sharing: Literal["all", "attention", "ffn", "none"] | None = None
    """Which blocks all layers share; left out, as it is."""

    def run(self) -> tuple[str, ...]:
        """Writes the model and returns what there is to say about it."""
        from litebert.run import convert_model

        return convert_model(self.source, self.target, self.to, self.sharing)

    def main(self) -> int:
        for note in self.run():
            print(note)
        print(f"written: {self.target}")
        return 0


def convert(source: str, target: str | Path, **options: object) -> tuple[str, ...]:
    """Write `source` to the folder `target`; see `Convert` for the options."""
    return Convert(source=source, target=Path(target), **options).run()  # type: ignore[arg-type]
