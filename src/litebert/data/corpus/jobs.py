"""What a process needs to make parts of a corpus, in plain values that can be sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from litebert.data.corpus import plan
from litebert.data.corpus.parts import Maker
from litebert.data.corpus.settings import Settings
from litebert.errors import DataError
from litebert.text.loading import load_tokenizer

TRIES = 5
"""How many workers may end over one part before it is given up."""


@dataclass(frozen=True, slots=True)
class Job:
    """inputs: files and folders. tokenizer, work: folders. plan: the fingerprint of the plan of all this."""

    inputs: tuple[str, ...]
    tokenizer: str
    work: str
    plan: str
    settings: Settings

    def open(self) -> Maker:
        """Raises `DataError` if the input is no longer that of the plan."""
        tokenizer = load_tokenizer(self.tokenizer)
        made = plan.make(self.inputs, tokenizer, self.settings)
        if made.fingerprint != self.plan:
            raise DataError(
                "the input has changed, or another version of a library is in use, since the work began"
            )
        return Maker(made, tokenizer)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, sent: Mapping[str, Any]) -> Job:
        settings = {**sent["settings"], "languages": tuple(sent["settings"]["languages"])}
        return cls(**{**sent, "inputs": tuple(sent["inputs"]), "settings": Settings(**settings)})
