"""Small real runs: a tiny encoder and vocabulary, and data whose words give the answer away."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CONFIG = {
    "architectures": ["AlbertModel"],
    "model_type": "albert",
    "vocab_size": 0,
    "embedding_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "initializer_range": 0.1,
}
FAST: dict[str, Any] = {
    "learning_rate": 5e-3,
    "batch_size": 16,
    "epochs": 5.0,
    "early_stopping": False,
    "threads": 1,
    "precision": "fp32",
    "progress": "silent",
}
"""Options with which a tiny model learns tiny data in a second or two."""
ENGLISH = "the film was about a river and some people who walked there in spring"
FILLERS = [*ENGLISH.split(), "电影", "说的是", "一条", "河"]

Row = dict[str, Any]


def tiny_model(folder: Path) -> Path:
    """A configuration without weights, and a vocabulary of letters and of the words below."""
    folder.mkdir(parents=True)
    vocabulary = dict.fromkeys([*SPECIALS, *LETTERS, *(f"##{a}" for a in LETTERS), *KNOWN])
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({**CONFIG, "vocab_size": len(vocabulary)}))
    return folder


def write(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def made(count: int, row: Callable[[random.Random, list[str]], Row], seed: int = 1) -> list[Row]:
    """Rows from a few words drawn at random each."""
    draw = random.Random(seed)
    return [row(draw, [draw.choice(FILLERS) for _ in range(draw.randint(3, 10))]) for _ in range(count)]


def feeling(draw: random.Random, words: list[str]) -> Row:
    """Of one class: a good word or a bad one."""
    label = draw.choice(["negative", "positive"])
    words.insert(draw.randrange(len(words)), draw.choice(WORDS[label]))
    return {"text": " ".join(words), "label": label}


def topics(draw: random.Random, words: list[str]) -> Row:
    """Of any number of labels."""
    labels = [name for name in TOPICS if draw.random() < 0.5]
    for name in labels * 3:
        words.insert(draw.randrange(len(words)), TOPICS[name])
    return {"text": " ".join(words), "labels": labels}


def stars(draw: random.Random, words: list[str]) -> Row:
    """A score of 1 to 5: one and as many good words."""
    score = draw.randint(1, 5)
    for _ in range(score - 1):
        words.insert(draw.randrange(len(words)), "excellent")
    return {"text": " ".join(words), "score": score}


def pairs(draw: random.Random, words: list[str]) -> Row:
    """Two texts, of which the second has the feeling."""
    label = draw.choice(["negative", "positive"])
    return {"text": " ".join(words), "second": f"it is {draw.choice(WORDS[label])}", "label": label}


def long(draw: random.Random, words: list[str]) -> Row:
    """A text of more pieces than a window holds, with its feeling all over."""
    label = draw.choice(["negative", "positive"])
    many = [draw.choice([*words, *WORDS[label]]) for _ in range(draw.randint(10, 80))]
    return {"text": " ".join(many), "label": label}


class Runs:
    """Finished runs by name, each trained when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = tiny_model(folder / "tiny")
        self._results: dict[str, dict[str, Any]] = {}

    def data(self, name: str) -> Path:
        """Its training data."""
        path = self.folder / f"{name}.jsonl"
        return path if path.exists() else write(path, made(COUNT, FAMILIES[name][1]))

    def held_out(self, name: str, count: int = 60) -> Path:
        """More of the same, of which none was trained on."""
        path = self.folder / f"{name}.test{count}.jsonl"
        return path if path.exists() else write(path, made(count, FAMILIES[name][1], seed=2))

    def options(self, name: str) -> dict[str, Any]:
        """What `litebert.train` is called with, but `out`."""
        task, _, more = FAMILIES[name]
        return {"task": task, "train": str(self.data(name)), "model": str(self.model), **FAST, **more}

    def trained(self, name: str) -> Path:
        """The run's folder."""
        import litebert

        folder = self.folder / "runs" / name
        if name not in self._results:
            self._results[name] = litebert.train(out=folder, **self.options(name))
        return folder


COUNT = 300
FAMILIES: dict[str, tuple[str, Callable[[random.Random, list[str]], Row], dict[str, Any]]] = {
    "classification": ("classification", feeling, {}),
    "pairs": ("classification", pairs, {}),
    "multilabel": ("multilabel", topics, {"epochs": 6.0}),
    "regression": ("regression", stars, {}),
    "exits": ("classification", feeling, {"exits": 1}),
    "windows": ("classification", long, {"on_long": "window", "max_pieces": 32, "epochs": 3.0}),
}
"""Name → task, how a row is drawn, and options."""
WORDS = {"negative": ["terrible", "boring", "糟糕"], "positive": ["wonderful", "lovely", "精彩"]}
TOPICS = {"sport": "football", "money": "bank", "music": "piano"}
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = string.ascii_lowercase + string.digits + string.punctuation + "的是一条电影说河糟糕精彩"
KNOWN = [*FILLERS, *WORDS["negative"], *WORDS["positive"], *TOPICS.values(), "excellent", "good", "bad", "it"]
