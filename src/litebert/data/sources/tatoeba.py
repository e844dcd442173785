"""Tatoeba: short everyday sentences in English and Chinese, by its members (tatoeba.org, CC BY 2.0 FR)."""

from __future__ import annotations

from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.translation import Translation


def _source(first: str, second: str, about: str) -> Source:
    columns = {"source": first, "text": second}
    read = from_file("tatoeba_cmn_eng/cmn_newer.txt", Translation(), columns, format="tsv")
    return Source(Translation(), by_hash(read), f"Everyday sentences, {about}; no sentence is on both sides")


en_zh = _source("0", "1", "English to Chinese")
zh_en = _source("1", "0", "Chinese to English")
