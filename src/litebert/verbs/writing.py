"""The flags that say how a text is written."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class WritingFlags:
    """How a task that writes does so; what is left out is as the model was trained with."""

    beams: int | None = None
    """Texts that are followed at once; of 1 the likeliest piece is taken each time (greedy)."""
    length_penalty: float | None = None
    """More than 1 favours longer texts, 0 short ones."""
    temperature: float | None = None
    """Above 0 a text is drawn at random, at 1 by the model's own probabilities; 0 draws nothing."""
    top_k: int | None = None
    """Draw from so many of the likeliest pieces only."""
    top_p: float | None = None
    """Draw only from the likeliest pieces that have this probability together."""
    seed: int | None = None
    """Of the draw: the same Input and seed give the same text."""
    no_repeat: int | None = None
    """No run of so many pieces comes twice in a text."""
    stop: tuple[str, ...] = ()
    """Words at which a text ends."""
    most: int | None = None
    """The most pieces of a text."""

    def options(self) -> tuple[str, ...]:
        """Those that were given, as options of a task."""
        import json

        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "stop"}
        stops = (f"stop={json.dumps(self.stop, ensure_ascii=False)}",) if self.stop else ()
        return (*(f"{name}={value}" for name, value in given.items() if value is not None), *stops)
