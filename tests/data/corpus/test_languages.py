"""Which documents are English, which Chinese, and which neither."""

from __future__ import annotations

import pytest

from litebert.data.corpus.languages import language

FRENCH = "Le petit chat est assis sur la table et il regarde par la fenêtre pendant que nous mangeons. " * 4
GERMAN = "Die kleine Katze sitzt auf dem Tisch und schaut aus dem Fenster, während wir zusammen essen. " * 4
ENGLISH = "The small cat sits on the table and looks out of the window while we are eating together. " * 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (ENGLISH, "en"),
        ("A title", "en"),
        ("The café of the naïve Zoë was open, and it is still there for all of us.", "en"),
        (FRENCH, "other"),
        (GERMAN, "other"),
        ("今天天气很好，我们去公园吧。", "zh"),
        ("這是繁體中文的句子。", "zh"),
        ("使用 Python 3.11 的 asyncio 模块来写并发程序", "zh"),
        ("今日はとても良い天気ですね。公園に行きましょう。", "other"),
        ("오늘은 날씨가 좋네요", "other"),
        ("Сегодня хорошая погода", "other"),
        ("1234 5678 !?", "other"),
        ("", "other"),
    ],
)
def test_the_language_of_a_text_is_told(text: str, wanted: str) -> None:
    assert language(text) == wanted
