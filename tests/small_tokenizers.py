"""A SentencePiece model and a vocabulary small enough to make for a test."""

from __future__ import annotations

import io
from typing import Any

import sentencepiece

CORPUS = [
    "In 2004, there were 1,000, 2,000, and 9,9 of them; in 2004, and 1999, they said so.",
    "2004, 2004, 2004, 1999, 1999, 9, 9, 12, 12, 2004, 1999, 9, 12, 1,000, 2004, 1999, 12,",
    "The quick (brown) fox jumps over the lazy dog, and the dog – being lazy – sleeps on.",
    "A long walk by the river costs £9.99, or €12,50, and is worth it: so said my neighbour.",
    "co-operation between the two towns began in 1999, ended in 2004, and began again in 2019,",
    'The film is "a joy", they wrote; the plot is thin, the songs are not, and the end is near.',
    "Rivers, rivers and rivers again: 12, 13, 14, 15, 99, 100, 1000, 2000, 3000, 4000.",
    "what the neighbours said of the film was neither here nor there but somewhere between",
]

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *"我爱北京天安门中国年日。，！,.()-'[];=<abchwsοδσйиᄒ¨£½",
    *("the", "film", "un", "good", "hello", "world", "sep", "2008", "is", "cafe"),
    *("##a", "##b", "##c", "##s", "##ing", "##able", "##good", "##08", "##京", "##is"),
    *("##δ", "##ο", "##σ", "##и", "##й", "##ᅡ", "##ᆫ"),
]


def train(**more: Any) -> bytes:
    """A `spiece.model` by the command that the published one was trained with, but small."""
    model = io.BytesIO()
    settings: dict[str, Any] = {
        "vocab_size": 150,
        "hard_vocab_limit": False,
        "pad_id": 0,
        "unk_id": 1,
        "eos_id": -1,
        "bos_id": -1,
        "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
        "user_defined_symbols": list('()"-.–£€'),
        "character_coverage": 0.99995,
        "model_type": "unigram",
        "input_sentence_size": 10_000_000,
        "shuffle_input_sentence": True,
        "minloglevel": 2,
    }
    lines = (line.lower() for line in CORPUS * 20)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, **(settings | more))
    return model.getvalue()
