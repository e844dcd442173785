"""The public sets: as many rows as their folder says, their labels, and no leak between splits."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from litebert.data import source
from litebert.data.examples import Examples, read
from litebert.data.sources.glue import letters, runs, sentences
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text

SENTIMENT = {"negative", "positive"}
SAME = {"different", "same"}
SETS: dict[str, tuple[int, set[str]]] = {
    "glue.sst2:all": (67_349, SENTIMENT),
    "glue.cola:all": (8_551, {"unacceptable", "acceptable"}),
    "glue.mrpc:train": (3_667, {"not_paraphrase", "paraphrase"}),
    "glue.mrpc:dev": (408, {"not_paraphrase", "paraphrase"}),
    "glue.rte:all": (2_490, {"entailment", "not_entailment"}),
    "glue.qnli:all": (5_463, {"entailment", "not_entailment"}),
    "clue.afqmc:train": (34_334, SAME),
    "clue.afqmc:dev": (4_316, SAME),
    "clue.ocnli:train": (10_000, {"entailment", "neutral", "contradiction"}),
    "clue.ocnli:train_3k": (3_000, {"entailment", "neutral", "contradiction"}),
    "clue.ocnli:dev": (3_000, {"entailment", "neutral", "contradiction"}),
    "news.ag:all": (10_001, {"World", "Sports", "Business", "Sci/Tech"}),
    "news.ag:test": (7_600, {"World", "Sports", "Business", "Sci/Tech"}),
    "questions.trec:all": (5_452, {"abbreviation", "description", "entity", "human", "location", "number"}),
    "questions.trec:test": (500, {"abbreviation", "description", "entity", "human", "location", "number"}),
    "reviews.imdb:all": (25_000, SENTIMENT),
    "zh.chnsenticorp:train": (9_600, SENTIMENT),
    "zh.chnsenticorp:dev": (1_200, SENTIMENT),
    "zh.lcqmc:all": (8_802, SAME),
    "zh.waimai:all": (11_987, SENTIMENT),
}
SCORED = {
    "glue.stsb:train": (5_749, 0, 5),
    "glue.stsb:dev": (1_500, 0, 5),
    "stsb.en:train": (5_749, 0, 5),
    "stsb.en:dev": (1_500, 0, 5),
    "stsb.zh:train": (5_749, 0, 5),
    "stsb.zh:dev": (1_500, 0, 5),
    "reviews.imdb_stars:all": (25_000, 1, 10),
}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_whole_and_its_labels_are_words(data_folder: Path, name: str) -> None:  # noqa: ARG001
    rows, labels = SETS[name]
    examples = read(name)
    assert len(examples) + examples.counts.get("left_out", 0) == rows
    assert {e.wanted.label for e in examples} == labels == set(examples.task.labels)
    assert examples.counts.get("empty", 0) == 0
    pair = any(e.given.second is not None for e in examples)
    assert all((e.given.second is not None) is pair for e in examples)


def test_rows_without_a_label_are_told(data_folder: Path) -> None:  # noqa: ARG001
    examples = read("clue.ocnli:dev")
    assert examples.counts["left_out"] == 50
    assert examples.notes[-1].endswith("dev.json.gz: 50 rows without an answer, left out")


@pytest.mark.parametrize("name", SCORED)
def test_scores_are_in_range(data_folder: Path, name: str) -> None:  # noqa: ARG001
    rows, low, high = SCORED[name]
    examples = read(name, fit=True)
    scores = [e.wanted.score for e in examples]
    assert (len(scores), min(scores), max(scores)) == (rows, low, high)


def test_topics_of_tnews_and_fine_questions(data_folder: Path) -> None:  # noqa: ARG001
    topics = read("clue.tnews:all")
    assert len(topics) == 53_360 and len({e.wanted.label for e in topics}) == 15
    assert {e.wanted.label for e in topics} == set(topics.task.labels)
    assert len(read("questions.trec_fine:all", fit=True).task.labels) == 50


@pytest.mark.parametrize("name", ["glue.cola", "glue.qnli", "zh.waimai"])
def test_a_part_by_hash_shares_no_text_with_the_rest(data_folder: Path, name: str) -> None:  # noqa: ARG001
    train, dev, whole = (read(f"{name}:{split}") for split in ("train", "dev", "all"))
    assert len(train) + len(dev) == len(whole)
    assert 0.07 < len(dev) / len(whole) < 0.13
    assert not {e.given.text for e in train} & {e.given.text for e in dev}


@pytest.fixture(scope="module")
def sst2(data_folder: Path) -> dict[str, Examples[Text, Label]]:  # noqa: ARG001
    return {split: read(f"glue.sst2:{split}") for split in ("train", "dev", "all")}


def test_no_phrase_of_a_held_out_sentence_is_trained_on(sst2: dict[str, Examples[Text, Label]]) -> None:
    train, dev, whole = sst2["train"], sst2["dev"], sst2["all"]
    held = [e.given.text.strip() for e in dev]
    parts = runs(held)
    assert not any(letters(e.given.text) in parts for e in train)
    # Of all rows, those that are gone are the parts of held-out sentences, and no others.
    kept = {e.place for e in train}
    assert all(letters(e.given.text) in parts for e in whole if e.place not in kept)
    assert 600 < len(dev) < 800 and len(train) > 58_000
    # The same otherwise: no row stands between two words of a held-out sentence, but for marks and spaces.
    rows = {letters(e.given.text) for e in train} - {""}
    everything = "\n".join(map(letters, held))
    words = "\n".join(" ".join(map(letters, sentence.replace("-", " ").split())) for sentence in held)
    inside = [row for row in rows if row in everything]
    assert inside and not any(re.search(rf"\b{' ?'.join(row)}\b", words) for row in inside)
    assert not {"bad-movie", "sit through ,", "been there done that"} & {e.given.text.strip() for e in train}
    # Whole sentences end as sentences do; phrases seldom.
    ends = Counter(text.split(" ")[-1] in {".", "!", "?", "...", "'", "''"} for text in held)
    assert ends[True] > 0.95 * len(held)


def test_a_bag_of_words_does_on_held_out_sentences_as_is_known(
    sst2: dict[str, Examples[Text, Label]],
) -> None:
    """80.1 % by the folder's README; a random part of the rows would give 93 %, by the phrases it shares."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, dev = sst2["train"], sst2["dev"]
    vectorizer = TfidfVectorizer()
    model = LogisticRegression(solver="liblinear")
    model.fit(vectorizer.fit_transform([e.given.text for e in train]), [e.wanted.label for e in train])
    score = model.score(vectorizer.transform([e.given.text for e in dev]), [e.wanted.label for e in dev])
    assert 0.76 < score < 0.85


def test_sentences_are_the_rows_that_no_row_holds() -> None:
    rows = frozenset(["a good film .", "good film", "film", "good", "a bad one", "bad one ?", "one", "else"])
    assert sentences(rows) == {"a good film .", "a bad one", "bad one ?", "else"}
    assert runs(["a bad-movie ?"]) == {"a", "abad", "abadmovie", "bad", "badmovie", "movie", ""}


def test_every_source_is_described_in_the_folder() -> None:
    import litebert.data.sources as folder

    text = folder.__doc__ or ""
    for name in source.known():
        found, _ = source.find(name)
        shown = name if name in text else f".{name.partition('.')[2]}"
        line = next(line for line in text.splitlines() if shown in line)
        assert found.task.name in line, name
        assert all(split in line for split in found.splits), name
        assert found.about


@pytest.mark.parametrize(("name", "rows"), [("reviews.en", 200), ("reviews.zh", 200), ("reviews.both", 800)])
def test_the_packages_own_reviews(name: str, rows: int) -> None:
    train, test = read(f"{name}:train"), read(f"{name}:test")
    assert len(train) + len(test) >= rows
    assert train.task == test.task == Classification(labels=("negative", "positive"))
    assert not {e.given.text for e in train} & {e.given.text for e in test}
    for part in (train, test):
        balance = Counter(e.wanted.label for e in part)
        assert 0.4 < balance["positive"] / len(part) < 0.6
