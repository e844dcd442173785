"""Back-translation: texts translated into another language and back, by two runs of one's own.

`--augment back-translation=0.3:runs/zh-en:runs/en-zh` (arXiv 1511.06709, for what is read as in 1904.12848).
Each text is translated once, and what comes back is kept in the run's folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from numpy.random import Generator

from litebert import durable, strict_json
from litebert.engine.opening import open_model
from litebert.errors import InputError, UsageError
from litebert.model_source import open_source
from litebert.tasks.rewording import Change, Reworded, Spans
from litebert.tasks.words import Bounds
from litebert.training.augmentation.augmentation import Augmentation, Ground, Setting, whole

FILE = "back-translation.json"
_AT_ONCE = 256
"""Texts after which what was translated is kept."""


def make(setting: Setting, ground: Ground) -> Augmentation:
    """rate: of the texts. Raises `UsageError` where there are not two translating runs."""
    ground.must_be_whole(setting.name)
    if len(setting.more) != 2:
        raise UsageError(
            f"--augment {setting.name} needs two runs that translate, there and back: "
            f"{setting.name}={setting.rate:g}:runs/there:runs/back"
        )
    for run in setting.more:
        task = open_source(run).task
        if task is None or task.name != "translation":
            raise UsageError(f"--augment {setting.name}: {run} is no run of the task translation")
    found = _Found(setting.more, ground)

    def back_translation(number: int, draw: Generator) -> Change:
        there_and_back = found.texts[number]

        def change(text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:  # noqa: ARG001
            new = there_and_back.get(text) if draw.random() < setting.rate else None
            return whole(text, new or text)

        return change

    return back_translation


def fingerprint(setting: Setting) -> str:
    """Of the two models."""
    return " ".join(open_source(run).fingerprint for run in setting.more)


class _Found:
    """What comes back of each text, worked out when it is first asked for."""

    def __init__(self, runs: Sequence[str], ground: Ground) -> None:
        self._runs, self._ground = runs, ground

    @cached_property
    def texts(self) -> list[dict[str, str]]:
        """Of each example its texts → what came back."""
        asked = [[one.text for one in several] for several in self._ground.texts()]
        distinct = list(dict.fromkeys(text for several in asked for text in several))
        back = dict(zip(distinct, self._translated(distinct), strict=True))
        return [{text: back[text] for text in several} for several in asked]

    def _translated(self, texts: Sequence[str]) -> list[str]:
        models = [open_source(run).fingerprint for run in self._runs]
        made_of = sha256(repr([texts, models]).encode()).hexdigest()
        found = self._kept(made_of)
        there, back = (open_model(run) for run in self._runs)
        while len(found) < len(texts):
            some = texts[len(found) : len(found) + _AT_ONCE]
            found += _answered(back, _answered(there, some))
            if self._ground.folder is not None:
                durable.replace_json(self._ground.folder / FILE, {"made of": made_of, "texts": found})
        return found

    def _kept(self, made_of: str) -> list[str]:
        """What an earlier process has translated."""
        try:
            assert self._ground.folder is not None
            held = strict_json.loads((self._ground.folder / FILE).read_text("utf-8"))
            return list(held["texts"]) if held["made of"] == made_of else []
        except (AssertionError, OSError, ValueError, KeyError, TypeError):
            return []


def _answered(predictor: Any, texts: Sequence[str]) -> list[str]:
    """What a text cannot be translated into is the text itself."""
    answers = predictor.answers(predictor.task.Input(text) for text in texts)
    return [
        text if isinstance(answer, InputError) else answer.text
        for text, answer in zip(texts, answers, strict=True)
    ]
