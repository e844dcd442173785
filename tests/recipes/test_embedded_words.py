import json
import re
from itertools import islice
from pathlib import Path

import pytest

from litebert.data.corpus.languages import language
from litebert.data.split import position
from litebert.recipes import embedded_words
from litebert.recipes.embedded_words import CHANGED, ENDINGS, JOINTS, exchanged, lexicon, lists

TEXT = "The kindly sailor was walking home with singing children, and nothing seemed careful. " * 3
WORDS = list(lexicon([TEXT]))


def test_the_lexicon_holds_words_that_are_neither_rare_nor_names():
    text = "He saw London, and London saw a london fog. " * 4 + "Only twice, twice did Paris glimmer. "

    assert lexicon([text]) == {"and": 4, "fog": 4, "saw": 8}


def test_lists_hold_nothing_but_words_and_joints_and_pass_for_english():
    made = list(islice(lists(WORDS), 20))

    assert set(re.findall(r"\w+", " ".join(made).lower())) == {*WORDS, *JOINTS}
    assert all(language(document) == "en" for document in made)
    assert made == list(islice(lists(WORDS), 20))


@pytest.fixture
def documents() -> list[str]:
    numbered = (f"Number {number}. {TEXT}" for number in range(1000))
    return [text for text in numbered if position(text) < CHANGED]


def test_words_are_exchanged_for_others_that_end_alike(documents: list[str]):
    changed = list(exchanged(documents, WORDS))

    assert 50 < len(changed) == len(documents)
    assert changed != documents
    for before, after in zip(documents, changed, strict=True):
        assert re.sub("[a-z]+", "", before) == re.sub("[a-z]+", "", after)
        for old, new in zip(re.findall(r"\w+", before), re.findall(r"\w+", after), strict=True):
            assert old == new or new in WORDS
            if old != new and old.endswith(ENDINGS):
                assert any(old.endswith(ending) and new.endswith(ending) for ending in ENDINGS)


def test_documents_that_are_not_chosen_are_not_told_again(documents: list[str]):
    others = [f"{text} Other {number}." for number, text in enumerate(documents * 3)]
    chosen = [text for text in others if position(text) < CHANGED]

    assert len(list(exchanged(others, WORDS))) == len(chosen) < len(others) / 2


def test_files_are_made_of_wikipedia_and_books(tmp_path: Path):
    text = tmp_path / "text"
    text.mkdir()
    (text / "wikipedia.en.txt").write_text(f'<doc id="1" title="Sailors">\n{TEXT}\n</doc>' * 2, "utf-8")
    (text / "books.en.jsonl").write_text(json.dumps({"text": "They sat a while. " * 3}) + "\n", "utf-8")

    (tmp_path / "teacher").mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "while", "sailor", "unheard"]
    (tmp_path / "teacher" / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")

    embedded_words.write(text, tmp_path / "teacher", tmp_path / "words")

    rows = [
        json.loads(line) for line in (tmp_path / "words" / "lists.en.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == embedded_words.DOCUMENTS
    said = set(re.findall("[a-z]+", " ".join(row["text"] for row in rows[:50]).lower()))
    assert said == {"sailor", "while", *JOINTS}
    assert (tmp_path / "words" / "exchanged.en.jsonl").exists()
