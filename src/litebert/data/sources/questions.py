"""Questions by what they ask for (Li & Roth 2002)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import Any

from litebert.data.example import Example, Examples, Place
from litebert.data.source import Source, by_hash, data_file
from litebert.errors import DataError
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text

COARSE = {
    "ABBR": "abbreviation",
    "DESC": "description",
    "ENTY": "entity",
    "HUM": "human",
    "LOC": "location",
    "NUM": "number",
}
ABOUT = "TREC questions, 5,452 and 500"


def _read(split: str, name_of: Callable[[str], str]) -> Callable[[], Examples[Any, Any]]:
    """A file of the zip: on each line `COARSE:fine` and a question, in Latin-1."""

    def read() -> Examples[Any, Any]:
        path = data_file("nltk_corpora/qc.zip")
        try:
            with zipfile.ZipFile(path) as archive:
                lines = archive.read(f"qc/{split}.txt").decode("latin-1").splitlines()
        except (zipfile.BadZipFile, KeyError) as error:
            raise DataError(f"is damaged, or holds no qc/{split}.txt ({error})", path=path) from None
        rows = [line.partition(" ") for line in lines]
        return Examples(
            [
                Example(Text(text.strip()), Label(name_of(label)), Place(f"{path}/{split}.txt", number))
                for number, (label, _, text) in enumerate(rows, start=1)
            ],
            Classification(),
        )

    return read


def _coarse(label: str) -> str:
    return COARSE[label.partition(":")[0]]


def _fine(label: str) -> str:
    return f"{_coarse(label)}:{label.partition(':')[2]}"


trec = Source(
    Classification(labels=tuple(COARSE.values())),
    {**by_hash(_read("train", _coarse)), "test": _read("test", _coarse)},
    f"{ABOUT}, in 6 classes",
)
trec_fine = Source(
    Classification(),
    {**by_hash(_read("train", _fine)), "test": _read("test", _fine)},
    f"{ABOUT}, in 50 classes",
)
