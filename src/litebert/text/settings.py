"""What `tokenizer_config.json` and `special_tokens_map.json` say of a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litebert.errors import ModelError
from litebert.text.huggingface import names_of
from litebert.text.tokenizer import Specials

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that decide pieces; None where the files say nothing.

    names: the special pieces that they name, by the keys of the files.
    """

    do_lower_case: bool | None = None
    keep_accents: bool | None = None
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def specials(self, usual: Specials) -> Specials:
        """The special pieces by their names here, or else by their usual ones."""
        named = {**names_of(usual), **self.names}
        return Specials(*(named[f"{key}_token"] for key in ("cls", "sep", "pad", "mask", "unk")))


def read(files: Sequence[Json]) -> Settings:
    """What the files say together; the later ones win. Raises `ModelError` for a value of a wrong type."""
    told: Json = {key: value for file in files for key, value in file.items()}
    names = {key: _name(key, told[key]) for key in names_of(Specials()) if told.get(key) is not None}
    return Settings(
        do_lower_case=_switch(told, "do_lower_case"),
        keep_accents=_switch(told, "keep_accents"),
        strip_accents=_switch(told, "strip_accents"),
        tokenize_chinese_chars=_switch(told, "tokenize_chinese_chars"),
        names=names,
    )


def _switch(told: Json, key: str) -> bool | None:
    value = told.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise ModelError(f"{key} is {value!r}; it must be true or false")


def _name(key: str, value: object) -> str:
    """A special piece's name, given as it is or as an added token with its `content`."""
    name = value.get("content") if isinstance(value, dict) else value
    if isinstance(name, str):
        return name
    raise ModelError(f"{key} is {value!r}; it must be a piece of the vocabulary")
