"""What comes with the package: a tokenizer, a small model, and example reviews in Chinese and English."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def model_folder() -> Path:
    """litebert-tiny: its configuration, its weights where they have been trained, and its tokenizer."""
    return FOLDER / "tiny"


def tokenizer_folder() -> Path:
    """The bilingual vocabulary: 20,000 pieces (`recipes/embedded_vocabulary.py`), and 5,400 for English words
    (`recipes/embedded_pieces.py`)."""
    return FOLDER / "tiny"
