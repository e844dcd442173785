"""The flags of runs that learn one task, and such a run before its first step."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from litebert.errors import UsageError
from litebert.training.drawing import Drawing
from litebert.training.entries import TOML
from litebert.training.settings import TrainSettings
from litebert.verbs.columns import Columns
from litebert.verbs.telling import Progress

if TYPE_CHECKING:
    from litebert.model_source import Source
    from litebert.tasks.task import Task
    from litebert.training.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class OneTask:
    """What to learn from, with which weights to begin, and how."""

    train: str
    """A file, several with commas, or a source such as glue.sst2; or a .toml with a table for each task."""
    out: Path
    """The run's folder."""
    task: str | None = None
    """Its name: classification, entities, similarity, …; left out, by the source or the model."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max, temperature=0.1; `task.json` of a run lists them."""
    dev: str | None = None
    """What the best weights are chosen by; left out, the source's own, or a tenth split off by hash."""
    model: str | None = None
    """A run or Hugging Face folder, a hub name, or config:NAME (new weights); left out, the embedded one."""
    tokenizer: str | None = None
    """For new weights: a folder or file; left out, the embedded one."""
    max_pieces: int | None = None
    """The most pieces of one text, or pair; left out, as many as the model can read."""
    on_long: Literal["truncate", "window", "refuse"] | None = None
    """What becomes of a longer one: cut and counted, read in windows, or refused; left out, cut."""
    dropout: float | None = None
    """Of the encoder; left out, by the preset or the model."""
    exits: int | None = None
    """Learn to answer after every so many layers, too: then --quality below 1 lets texts leave early."""
    columns: Columns = field(default_factory=Columns)
    """Which columns to read; those left out are guessed by their names, and said."""
    settings: TrainSettings = field(default_factory=TrainSettings)
    """How to train."""
    drawing: Drawing = field(default_factory=Drawing)
    """How often the training examples come, and how much each counts."""
    progress: Progress = "auto"
    """How to show what happens, on standard error; auto is a bar in a terminal, else plain lines."""
    overwrite: bool = False
    """Start anew where the folder holds another run."""
    json: bool = False
    """Print the results as one JSON object."""

    def prepared(self) -> Prepared:
        """The run of one task before its first step, with the model opened and the data read."""
        from litebert.model_source import open_source
        from litebert.training.prepared import prepare
        from litebert.training.sets import read_sets

        if self.train.endswith(TOML):
            raise UsageError(
                f"{self.train} is of several tasks, but this is for one; give its data to --train"
            )
        source = open_source(self.model, tokenizer=self.tokenizer)
        part = self.drawing.part(self.settings.seed)
        sets = read_sets(self.train, self.dev, self._task(source), self.columns.named(), part)
        return prepare(
            source,
            sets,
            self.settings,
            drawing=self.drawing,
            dropout=self.dropout,
            max_pieces=self.max_pieces,
            on_long=self.on_long,
            free=self.tokenizer is None and (self.model is None or source.checkpoint is None),
            exits=self.exits,
        )

    def _task(self, source: Source) -> Task[Any, Any] | None:
        """The one asked for; else a data source's own, which `read_sets` finds; else the model's."""
        from litebert.data.examples import task_of
        from litebert.tasks.naming import named, with_options

        own = task_of(self.train)
        task = source.task if own is None else own
        if self.task is not None:
            task = named(self.task)()
        if task is not None and self.options:
            return with_options(task, self.options)
        return None if self.task is None and own is not None else task
