"""How a text is written, piece by piece: plain data, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from litebert.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """The likeliest text by beam search; with a temperature above 0, one drawn at random.

    Raises `UsageError` for a value that cannot be meant.
    """

    beams: int = 4
    """Texts that are followed at once; of 1 the likeliest piece is taken each time (greedy)."""
    length_penalty: float = 1.0
    """The power of the length, ((5 + n) / 6), by which ln p is divided when texts are compared (arXiv
    1609.08144 §7); 0 favours short ones, more favours longer ones."""
    temperature: float = 0.0
    """Of the draw; 0 draws nothing, 1 draws from the model's own probabilities."""
    top_k: int = 0
    """Draw from so many of the likeliest pieces only; 0 for all."""
    top_p: float = 1.0
    """Draw only from the likeliest pieces that have this probability together (arXiv 1904.09751 §3.1)."""
    seed: int = 1
    """Of the draw: the same Input and seed give the same text, in whatever batch."""
    no_repeat: int = 0
    """No run of so many pieces comes twice in a text; 0 lets them."""
    stop: tuple[str, ...] = ()
    """Words at which a text ends; they are no part of it."""
    most: int | None = None
    """The most pieces of a text; left out, the longest in training."""

    def __post_init__(self) -> None:
        wrong = [
            ("beams", "at least 1", self.beams < 1),
            ("length_penalty", "0 or more", not 0 <= self.length_penalty < float("inf")),
            ("temperature", "0 or more", not 0 <= self.temperature < float("inf")),
            ("top_k", "0 or more", self.top_k < 0),
            ("top_p", "above 0, and 1 at most", not 0 < self.top_p <= 1),
            ("seed", "0 or more", self.seed < 0),
            ("no_repeat", "0 or more", self.no_repeat < 0),
            ("most", "at least 1", self.most is not None and self.most < 1),
            ("stop", "words", not all(self.stop)),
        ]
        for name, expected, is_wrong in wrong:
            if is_wrong:
                raise UsageError(f"{name} must be {expected}, but is {getattr(self, name)}")
        if self.temperature and self.beams > 1 and self.beams != Decoding.beams:
            raise UsageError(
                "a text is either searched with beams or drawn with a temperature; leave one of the two out"
            )
