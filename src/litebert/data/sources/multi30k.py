"""Multi30k: captions of pictures and their translations (Elliott et al., arXiv 1605.00459)."""

from __future__ import annotations

from litebert.data.plain import plain_file
from litebert.data.source import Source
from litebert.tasks.translation import Translation

_SPLITS = {"train": "train", "dev": "val", "test": "test_2016_flickr", "test_2017": "test_2017_flickr"}
_NAMES = {"en": "English", "de": "German", "fr": "French"}


def _source(first: str, second: str) -> Source:
    splits = {
        split: plain_file((f"multi30k/{name}.{first}", f"multi30k/{name}.{second}"), Translation())
        for split, name in _SPLITS.items()
    }
    return Source(
        Translation(), splits, f"Captions, {_NAMES[first]} to {_NAMES[second]}; test is that of 2016"
    )


en_de = _source("en", "de")
de_en = _source("de", "en")
en_fr = _source("en", "fr")
fr_en = _source("fr", "en")
