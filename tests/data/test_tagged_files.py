"""Files of tags, spans, roles and relations: as the sets have them, and with mistakes in their places."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from litebert.data.examples import Examples, read
from litebert.data.inputs import read_inputs
from litebert.errors import DataError
from litebert.tasks.entities import EntityTask
from litebert.tasks.relations import Relations
from litebert.tasks.roles import RoleTask
from litebert.tasks.tagging import Tagging
from litebert.tasks.task import Task

IOB1 = """-DOCSTART- -X- O O

Ann NNP I-NP I-PER
saw VBD I-VP O
Bob NNP I-NP I-PER
Lee NNP I-NP I-PER
Paris NNP B-NP B-LOC

It PRP I-NP O
rained VBD I-VP O
"""
BMES = "李 B-NAME\n明 E-NAME\n在 O\n上 B-LOC\n海 M-LOC\n市 E-LOC\n京 S-LOC\n\n"
PLACED = "今0\tO\n天1\tO\n李0\tB-PER.NAM\n明1\tI-PER.NAM\n\n"
UP_EN = (
    "# sent_id = 1\n"
    "1\tAnn\tAnn\tPROPN\tNNP\t_\t2\tnsubj\t2:nsubj\t_\t_\tARG0\t_\n"
    "2\tsaw\tsee\tVERB\tVBD\t_\t0\troot\t0:root\t_\tsee.01\tV\t_\n"
    "3-4\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "3\tBob\tBob\tPROPN\tNNP\t_\t2\tobj\t2:obj\t_\t_\tARG1\tARG0\n"
    "4\tsing\tsing\tVERB\tVB\t_\t2\tccomp\t2:ccomp\t_\tsing.01\t_\tV\n"
    "\n"
    "# sent_id = 2\n"
    "1\tOh\toh\tINTJ\tUH\t_\t0\troot\t0:root\t_\t_\t\n"
)
UP_ZH = (
    "1\t私人\t私人\tNOUN\tNN\t_\t2\tnsubj\t_\t_\tA0\n"
    "2\t擁有\t拥有\tVERB\tVV\t_\t0\troot\tY\thave.03\t_\n"
    "3\t車輛\t车辆\tNOUN\tNN\t_\t2\tdobj\t_\t_\tA1\n"
)
SEMEVAL = (
    '1\t"The <e1>storm</e1> caused a <e2>flood</e2>."\nCause-Effect(e1,e2)\nComment: clear\n\n'
    '2\t"A <e1>film</e1> by a <e2>river</e2>."\nOther\nComment:\n'
)


def read_text(path: Path, text: str, task: Task[Any, Any], **options: Any) -> Examples[Any, Any]:
    path.write_text(text, encoding="utf-8")
    return read(path, task, **options)


def found(examples: Examples[Any, Any]) -> list[list[tuple[str, str]]]:
    """The label and the text of each example's spans, which must stand where they say."""
    rows = []
    for example in examples:
        spans = getattr(example.wanted, type(examples.task).answer)  # type: ignore[attr-defined]
        assert all(example.given.text[span.start : span.end] == span.text for span in spans)
        rows.append([(span.label, example.given.text[span.start : span.end]) for span in spans])
    return rows


@pytest.mark.parametrize("name", ["eng.train", "x.tsv", "x.conll", "train.char.bmes"])
def test_columns_of_conll_are_read_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    text = IOB1.replace(" ", "\t") if name == "x.tsv" else IOB1
    examples = read_text(tmp_path / name, text, EntityTask(), fit=True)
    assert found(examples) == [[("PER", "Ann"), ("PER", "Bob Lee"), ("LOC", "Paris")], []]
    assert examples[0].given.text == "Ann saw Bob Lee Paris" and examples[0].place.line == 3
    assert examples.task.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")  # type: ignore[attr-defined]


def test_another_column_can_be_named(tmp_path: Path) -> None:
    task = Tagging()
    assert read_text(tmp_path / "x", IOB1, task)[1].wanted.tags == ("O", "O")
    pos = read(tmp_path / "x", task, columns={"label": "1"})
    assert pos[1].wanted.tags == ("PRP", "VBD") and pos[1].given.tokens == ("It", "rained")
    chunks = read(tmp_path / "x", EntityTask(), columns={"label": "2"})
    assert found(chunks)[1] == [("NP", "It"), ("VP", "rained")]


def test_chinese_columns_become_a_text_without_spaces(tmp_path: Path) -> None:
    expected = [[("NAME", "李明"), ("LOC", "上海市"), ("LOC", "京")]]
    assert found(read_text(tmp_path / "a", BMES, EntityTask())) == expected
    placed = read_text(tmp_path / "b", PLACED, EntityTask())
    assert found(placed) == [[("PER.NAM", "李明")]] and placed[0].given.text == "今天李明"


@pytest.mark.parametrize("member", ["", "/set/train.txt"])
def test_archives_are_read_as_they_come(tmp_path: Path, member: str) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/train.txt", BMES)
        if member:
            archive.writestr("set/README", "more")
    assert len(read(f"{path}{member}", EntityTask())) == 1
    if member:
        with pytest.raises(DataError, match=r"2 files in this archive; there is .*set.zip/set/README"):
            read(path, EntityTask())
        with pytest.raises(DataError, match="no such file in this archive"):
            read(f"{path}/train.txt", EntityTask())


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DataError, match="is a damaged or locked archive"):
        read(tmp_path / "x.zip", EntityTask())
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"a O\n" * (1 << 23))
    with pytest.raises(DataError, match="over 200 times its size"):
        read(tmp_path / "bomb.zip", EntityTask())


CLUENER = {"text": "李明在上海", "label": {"name": {"李明": [[0, 1]]}, "address": {"上海": [[3, 4]]}}}


def test_cluener_is_read_as_it_comes(tmp_path: Path) -> None:
    (tmp_path / "dev.json.gz").write_bytes(gzip.compress(json.dumps(CLUENER).encode()))
    assert found(read(tmp_path / "dev.json.gz", EntityTask())) == [[("name", "李明"), ("address", "上海")]]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Ann Lee", "entities": [{"label": "PER", "start": 0, "end": 3}]},
        {"text": "Ann Lee", "entities": [[0, 3, "PER"]]},
        {"text": "Ann Lee", "spans": '[{"label": "PER", "start": 0, "end": 3, "text": "Ann"}]'},
        {"tokens": ["Ann", "Lee"], "ner_tags": ["B-PER", "O"]},
        {"text": "Ann Lee", "words": ["Ann", "Lee"], "tags": ["S-PER", "O"]},
    ],
)
def test_spans_of_json_come_in_several_forms(tmp_path: Path, row: dict[str, Any]) -> None:
    assert found(read_text(tmp_path / "x.jsonl", json.dumps(row), EntityTask())) == [[("PER", "Ann")]]


def test_of_nested_spans_the_outer_is_taken_and_said(tmp_path: Path) -> None:
    row = {"text": "永隆银行行长", "entities": [[0, 4, "company"], [0, 6, "position"], [2, 4, "x"]]}
    lines = "\n".join(json.dumps(one) for one in ({"text": "a", "entities": []}, row))
    examples = read_text(tmp_path / "x.jsonl", lines, EntityTask())
    assert found(examples) == [[], [("position", "永隆银行行长")]]
    assert any("one lies in another, the outer is taken (2 times, line 2)" in note for note in examples.notes)


def test_spans_inside_a_word_are_said(tmp_path: Path) -> None:
    row = {"text": "vsnec战", "entities": [[2, 5, "team"]]}
    examples = read_text(tmp_path / "x.jsonl", json.dumps(row), EntityTask())
    assert any("begin or end inside a word" in note for note in examples.notes)


def bad(**row: Any) -> str:
    good = {"text": "Ann Lee", "entities": []}
    return json.dumps(good) + "\n" + json.dumps({"text": "Ann Lee", **row}) + "\n"


MISTAKES: dict[str, tuple[str, Task[Any, Any], str]] = {
    "past.jsonl": (bad(entities=[[0, 9, "P"]]), EntityTask(), "2: entities.0: from 0 to 9 is no part of the"),
    "text.jsonl": (
        bad(entities=[{"label": "P", "start": 0, "end": 3, "text": "Bob"}]),
        EntityTask(),
        "2: entities.0: it says 'Bob', but from 0 to 3 the text has 'Ann'",
    ),
    "kind.jsonl": (
        bad(entities=[{"label": "P", "start": "0", "end": 3}]),
        EntityTask(),
        "2: entities.0: start",
    ),
    "label.jsonl": (
        bad(entities=[{"start": 0, "end": 3}]),
        EntityTask(),
        "2: entities at 0.label: Field required",
    ),
    "none.jsonl": (
        bad(entities=[[3, 4, "P"]]),
        EntityTask(),
        "2: entities.0: from 3 to 4 there is only white",
    ),
    "over.jsonl": (
        bad(entities=[[0, 5, "P"], [4, 7, "P"]]),
        EntityTask(),
        "2: entities: 'Ann L' and 'Lee' ov",
    ),
    "shape.jsonl": (bad(entities=[5]), EntityTask(), "2: entities.0: expected {"),
    "object.jsonl": (
        bad(entities={"P": {"Ann": "x"}}),
        EntityTask(),
        "2: entities must be {label: {text: [[first, last], …]}} where it is an object, but is {'P'",
    ),
    "tags.jsonl": (bad(entities=["O"]), EntityTask(), "2: there are 1 tags, but 2 tokens"),
    "tag.conll": ("a O\nb B_X\n\n", EntityTask(), "2: 'B_X' is no tag"),
    "tag2.conll": ("a O\n\nb O\nc O\nd X-Y\n", EntityTask(), "5: 'X-Y' is no tag"),
    "width.conll": ("a O\nb O\n\nc O\nd\n", EntityTask(), "5: 1 column; expected 2, as in the first"),
    "one.conll": ("a\nb\n", EntityTask(), "1: only 'a'; expected a token and its tags"),
    "count.jsonl": (
        '{"tokens": ["a", "b"], "tags": ["X"]}\n',
        Tagging(),
        "1: there are 1 tags, but 2 tokens",
    ),
    "bare.jsonl": ('{"tags": ["X"]}\n', Tagging(), "1: there is neither a text nor tokens"),
    "number.conllu": (UP_EN + "\nx\t" + "_\t" * 9 + "_\n", RoleTask(), "11: 'x' is no number of a token"),
    "no_predicate.conllu": (
        "1\tI\ti\tPRON\tPRP\t_\t0\troot\t_\t_\t_\n",
        RoleTask(),
        "1: has no predicates: expected their senses after the columns of CoNLL-U",
    ),
    "roles.conllu": (UP_EN.replace("see.01", "_"), RoleTask(), "2: 1 predicates have a sense in column 11"),
    "relation.txt": (SEMEVAL + "3\tno marks\n", Relations(), "8: '3\\tno marks' is neither a number"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    text, task, told = MISTAKES[name]
    with pytest.raises(DataError) as caught:
        read_text(tmp_path / name, text, task, fit=True)
    assert f"{name}:{told}" in str(caught.value)


def test_propositions_are_a_row_for_each_predicate(tmp_path: Path) -> None:
    english = read_text(tmp_path / "en.conllu", UP_EN, RoleTask(), fit=True)
    assert found(english) == [[("ARG0", "Ann"), ("ARG1", "Bob")], [("ARG0", "Bob")]]
    assert [(one.given.predicate, one.place.line) for one in english] == [(1, 3), (3, 5)]
    chinese = read_text(tmp_path / "zh.conllu", UP_ZH, RoleTask(), fit=True)
    assert found(chinese) == [[("A0", "私人"), ("A1", "車輛")]] and chinese[0].given.text == "私人擁有車輛"


def test_conllu_gives_tags(tmp_path: Path) -> None:
    tags = read_text(tmp_path / "x.conllu", UP_EN, Tagging(), columns={"label": "upos"})
    assert tags[0].wanted.tags == ("PROPN", "VERB", "PROPN", "VERB")


def test_semevals_text_is_read_with_and_without_relations(tmp_path: Path) -> None:
    examples = read_text(tmp_path / "TRAIN_FILE.TXT", SEMEVAL, Relations(), fit=True)
    assert [one.wanted.label for one in examples] == ["Cause-Effect(e1,e2)", "Other"]
    assert examples[0].given.text == "The <e1>storm</e1> caused a <e2>flood</e2>."
    assert examples[1].place.line == 5
    (tmp_path / "TEST").write_text("".join(SEMEVAL.splitlines(keepends=True)[::4]), encoding="utf-8")
    inputs = list(read_inputs(str(tmp_path / "TEST"), Relations()))
    assert [one.text for one in inputs] == [one.given.text for one in examples]


def test_files_of_columns_can_be_asked_of(tmp_path: Path) -> None:
    (tmp_path / "eng.test").write_text(IOB1)
    inputs = list(read_inputs(str(tmp_path / "eng.test"), EntityTask()))
    assert [one.tokens for one in inputs] == [("Ann", "saw", "Bob", "Lee", "Paris"), ("It", "rained")]


@pytest.mark.parametrize(
    ("source", "count", "spans"),
    [
        ("entities.conll2003:dev", 3250, 5942),
        ("entities.bc5cdr:dev", 4581, 9593),
        ("entities.weibo:dev", 270, 389),
        ("entities.resume:dev", 463, 1497),
        ("entities.cluener:dev", 1343, 3072),
    ],
)
def test_sets_have_as_many_entities_as_is_known(
    data_folder: Path, source: str, count: int, spans: int
) -> None:
    assert data_folder.is_dir()
    examples = read(source)
    assert (len(examples), sum(map(len, found(examples)))) == (count, spans)
