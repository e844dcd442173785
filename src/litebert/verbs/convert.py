"""`litebert convert`: the same weights in another layout, or under another sharing plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.durable import making, replace_json
from litebert.errors import ModelError, UsageError
from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.model.checkpoints.checkpoint import Checkpoint
    from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Convert:
    """Write a model in another layout, or with its blocks shared in another way.

    Tied to untied is exact; untied to tied is the mean of the blocks, which must be trained again.

    Example: litebert convert runs/reviews runs/reviews-tf --to tensorflow
    """

    positional: ClassVar[bool] = True

    source: str
    """A run folder, a Hugging Face folder, a TensorFlow checkpoint, a hub name, or embedded."""
    target: Path
    """The folder to write; it must be new or empty."""
    to: Literal["huggingface", "tensorflow"] = "huggingface"
    """huggingface: config.json, model.safetensors, tokenizer. tensorflow: Google's TF1 checkpoint."""
    task: str | None = None
    """Of an encoder with several heads, the name of the one to write with it."""
    sharing: Literal["all", "attention", "ffn", "none"] | None = None
    """Which blocks all layers share; left out, as it is."""

    def run(self) -> tuple[str, ...]:
        """Writes the model, whole or not at all, and returns what there is to say about it."""
        from litebert.embedded import model_folder
        from litebert.model.checkpoints.hub import resolve
        from litebert.model.checkpoints.loading import open_checkpoint
        from litebert.model.checkpoints.own import is_own
        from litebert.model.checkpoints.several import heads_of
        from litebert.model_source import EMBEDDED, PUBLISHED, headed

        if self.source.startswith(PUBLISHED):
            raise UsageError(f"{self.source} has no weights to convert; train it first, and convert its run")
        name, _ = headed(self.source, self.task) if self.task else (self.source, None)
        path = model_folder() if self.source == EMBEDDED else resolve(name or self.source)
        opened = open_checkpoint(path)
        if is_own(opened.config):
            raise UsageError(f"{self.source} is an LSTM, which has no other layout and no blocks to share")
        checkpoint, notes = self._shared(opened)
        if heads := heads_of(path):
            notes = (
                *notes,
                f"its encoder alone; --task {' or '.join(heads)} would write that head, too",
            )
        tokenizer = _tokenizer(path)
        if self.target.exists() and (not self.target.is_dir() or any(self.target.iterdir())):
            raise UsageError(f"{self.target} is not empty; name a new folder")
        with making(self.target) as folder:
            self._write(folder, checkpoint, tokenizer, path)
        report = str(checkpoint.report)
        missing = () if tokenizer else (f"there is no tokenizer beside {self.source}, so none was written",)
        return (*notes, *missing, *([report] if report else []))

    def main(self) -> int:
        for note in self.run():
            tell(note)
        print(f"{self.target} holds the model, for {_LAYOUTS[self.to]}")
        return 0

    def _shared(self, checkpoint: Checkpoint) -> tuple[Checkpoint, tuple[str, ...]]:
        """The weights under the plan that was asked for, and what that cost."""
        from litebert.model.sharing import convert_sharing

        if self.sharing is None:
            return checkpoint, ()
        config = checkpoint.config.shared(self.sharing)
        converted = convert_sharing(checkpoint.encoder, checkpoint.config, config)
        changed = replace(checkpoint, config=config, encoder=converted.encoder)
        return changed, (converted.note,) if converted.note else ()

    def _write(self, folder: Path, checkpoint: Checkpoint, tokenizer: Tokenizer | None, source: Path) -> None:
        from litebert.model.checkpoints.files import read_json
        from litebert.model.checkpoints.google import write_google
        from litebert.model.checkpoints.loading import write_folder
        from litebert.tasks.as_json import TASK_FILE

        if self.to == "tensorflow":
            write_google(folder / "model.ckpt", checkpoint)
        else:
            write_folder(folder, checkpoint, pad=tokenizer.pad if tokenizer else 0)
        if (source / TASK_FILE).is_file():
            replace_json(folder / TASK_FILE, read_json(source / TASK_FILE))
        if tokenizer:
            tokenizer.save(folder)


def convert(source: str | Path, target: str | Path, **options: Any) -> tuple[str, ...]:
    """Write the model `source` to the folder `target`; options are the fields of `Convert`. Returns what
    there is to say about it."""
    return made(Convert, {"source": str(source), "target": Path(target), **options}).run()


_LAYOUTS = {"huggingface": "litebert and Hugging Face's transformers", "tensorflow": "Google's TF1 code"}


def _tokenizer(path: Path) -> Tokenizer | None:
    """The one beside a model, if there is one."""
    from litebert.model.checkpoints.weights import home
    from litebert.text.loading import load_tokenizer

    try:
        return load_tokenizer(home(path if path.is_dir() else path.parent))
    except ModelError:
        return None
