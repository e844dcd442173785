"""What litebert does when asked: one file for each verb, the same for the command line and for Python.

A verb is a frozen dataclass: its fields are the flags and the keyword arguments, and its docstring is the
help. `run()` does the work and returns what was made; `main()` is for the command line: it prints, and
returns the exit code. Importing a verb must not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

VERBS = {
    "demo": "demo.Demo",
    "train": "train.Train",
    "tune": "tune.Tune",
    "evaluate": "evaluate.Evaluate",
    "predict": "predict.Predict",
    "tokenizer encode": "tokenizer.Encode",
    "tokenizer decode": "tokenizer.Decode",
    "tokenizer train": "vocabulary.Train",
    "corpus": "corpus.Corpus",
    "pretrain": "pretrain.Pretrain",
    "distill": "distill.Distill",
    "index": "index.Index",
    "search": "search.Search",
    "ask": "ask.Ask",
    "recommend": "recommend.Recommend",
    "convert": "convert.Convert",
    "compress": "compress.Compress",
    "export": "export.Export",
    "bench": "bench.Bench",
    "data check": "data.Check",
    "doctor": "doctor.Doctor",
}
"""What is typed → where it is, in the order in which a person meets them."""


def below(word: str) -> list[str]:
    """The verbs of two words that begin with one."""
    return [verb for verb in VERBS if verb.startswith(f"{word} ")]


def find(verb: str) -> Any:
    """The dataclass of a verb."""
    module, _, name = VERBS[verb].partition(".")
    return getattr(import_module(f"{__name__}.{module}"), name)
