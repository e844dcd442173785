"""When the state of a run is saved, and what of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, perf_counter

from litebert.errors import LitebertError
from litebert.training import checkpoint
from litebert.training.checkpoint import Checkpoint, Tensors
from litebert.training.events import Event, NotSaved, Saved, Saving
from litebert.training.loop import State
from litebert.training.settings import TrainSettings


class Keeper:
    """Saves the state in a folder: every so many steps, every so many minutes, and when it must. One that
    does not keep does nothing: of several processes only the first has the folder."""

    def __init__(
        self, folder: Path, settings: TrainSettings, step: int, generation: int, *, keeps: bool = True
    ) -> None:
        self._folder, self._settings, self._generation = folder, settings, generation
        self._keeps = keeps
        self._step, self._since = step, monotonic()

    def due(self, step: int) -> bool:
        if step == self._step or not self._keeps:
            return False
        late = monotonic() - self._since >= 60 * self._settings.save_minutes
        every = self._settings.save_steps
        return late or (every is not None and step % every == 0)

    def save(self, state: State, best: Tensors, *, must: bool) -> Iterator[Event]:
        """Raises what the disk says only if it `must`; else there will be another time."""
        if not self._keeps:
            return
        yield Saving()
        started = perf_counter()
        self._step, self._since = state.progress.step, monotonic()
        try:
            kept = checkpoint.keep(self._folder, self._checkpoint(state, best))
        except LitebertError as error:
            if must:
                raise
            yield NotSaved(error.message)
            return
        self._generation = kept.generation
        yield Saved(step=self._step, generation=self._generation, seconds=perf_counter() - started)

    def _checkpoint(self, state: State, best: Tensors) -> Checkpoint:
        return Checkpoint(
            model=checkpoint.weights(state.model),
            optimizer=state.optimizer.state_dict(),
            progress=state.progress,
            best=best,
            generation=self._generation,
        )
