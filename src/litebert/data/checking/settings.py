"""How closely data are looked at: plain data, no numpy, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How closely to look."""

    near_duplicates: float | None = 0.8
    """How alike two texts are that are near duplicates, from 0 to 1; none does not look for them."""
    max_pieces: int | None = None
    """The pieces that a sequence may have; left out, the task's own."""
    suspicious: int = 20_000
    """How many rows, drawn at random, a TF-IDF model is tried on for labels that it cannot believe; 0
    tries none."""
