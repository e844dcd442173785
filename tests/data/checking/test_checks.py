"""Each check finds what it looks for, where it is, and nothing where there is nothing."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.data.checking import check
from litebert.data.checking.reading import KINDS
from litebert.data.checking.report import Report

WORDS = {"good": "warm lovely kind bright sweet clever", "bad": "dull broken cold bitter lame stupid"}


def written(path: Path, rows: list[Any], encoding: str = "utf-8") -> Path:
    lines = [json.dumps(row, ensure_ascii=False) if isinstance(row, dict) else row for row in rows]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def rows(count: int = 80) -> list[str]:
    """Lines of CSV that have no fault: no two alike, none nearly so."""
    lines = []
    for i in range(count):
        label = ("good", "bad")[i % 2]
        words = WORDS[label].split()
        some = [words[(i * 7 + j * (1 + i % 5)) % 6] for j in range(4)]
        lines.append(f"{' '.join(some)} number{i} {'x' * (i % 9 + 1)}{i * i},{label}")
    return ["text,label", *lines]


def at(report: Report, code: str) -> list[int]:
    """The lines of the findings of a code."""
    return [found.place.line for found in report.findings if found.code == code]


def checked(path: Path, **options: Any) -> Report:
    return litebert.check_data(path, **options)


def test_a_file_without_a_fault_has_no_findings(tmp_path: Path) -> None:
    report = checked(written(tmp_path / "a.csv", rows()))
    assert (report.counts, report.unreadable, report.rows) == ({}, 0, 80)
    assert report.summary["labels"] == {"good": 40, "bad": 40}
    assert report.summary["pieces"]["longest"] < 40


def test_rows_that_cannot_be_read_are_named_and_the_others_read(tmp_path: Path) -> None:
    lines = rows()
    lines[3], lines[8], lines[20] = "too,many,cells", "no label,", '"a quote" in the wrong place,good'
    report = checked(written(tmp_path / "a.csv", lines))
    assert at(report, "unreadable") == [4, 21, 9] or sorted(at(report, "unreadable")) == [4, 9, 21]
    assert report.rows - 1 == 77


@pytest.mark.parametrize("row", ['{"text": "open', '["a list"]', '{"text": 4, "label": "bad"}'])
def test_so_are_those_of_jsonl(tmp_path: Path, row: str) -> None:
    good = [{"text": line.split(",")[0], "label": line.split(",")[1]} for line in rows()[1:]]
    report = checked(written(tmp_path / "a.jsonl", [*good[:5], row, *good[5:]]))
    assert at(report, "unreadable") == [6]
    assert report.summary["labels"] == {"good": 40, "bad": 40}


def test_duplicates_and_conflicts(tmp_path: Path) -> None:
    lines = rows()
    lines[10], lines[11] = lines[2], lines[4].split(",")[0].upper() + "  ,good"
    report = checked(written(tmp_path / "a.csv", lines), near_duplicates=None)
    assert (at(report, "duplicate"), at(report, "conflict")) == ([11], [12])
    assert "line 5" in next(found.message for found in report.findings if found.code == "conflict")


def test_near_duplicates(tmp_path: Path) -> None:
    lines = rows()
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    lines[10], lines[20] = f"{long} seventeen,good", f"{long.title()} seventeen.,good"
    report = checked(written(tmp_path / "a.csv", lines))
    assert at(report, "near-duplicate") == [21]
    assert "near-duplicate" not in checked(tmp_path / "a.csv", near_duplicates=None).counts


def test_without_the_extra_it_says_that_it_looked_for_exact_ones_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    report = checked(written(tmp_path / "a.csv", [*rows(), rows()[1]]))
    assert at(report, "duplicate") == [82]
    assert any("litebert[data]" in sentence for sentence in report.unchecked)


def test_leakage_of_every_kind(tmp_path: Path) -> None:
    whole = "a film that is as long as it is loud and never once as funny as it thinks it is"
    nearly = "the music plays on and on while the rain falls over the old grey town by the cold sea at night"
    sentence = "Nobody in the village had ever seen a thing like it."
    train = rows()
    train[5] = "as long as it is loud and never once,bad"
    train[7] = f"{nearly} again,good"
    train[9] = f'"It was late, and they slept. {sentence} They went home early.",good'
    train[11] = "a sentence of the test set stands in this longer text of the training set whole,bad"
    theirs = [
        "text,label",
        *(f"{whole},bad", f"{nearly},good", train[1].upper()),
        f'"{sentence} So said the old man at the well, and laughed.",good',
        "stands in this longer text of the training set,bad",
    ]
    against = written(tmp_path / "test.csv", theirs)
    report = checked(written(tmp_path / "train.csv", train), against=str(against), suspicious=0)
    found = {code: at(report, code) for code in report.counts if code.startswith("leak")}
    assert found == {"leak": [2], "leak-near": [8], "leak-part": [6, 8, 12], "leak-sentence": [10]}
    (part, *_) = (one for one in report.findings if one.code == "leak-part")
    assert part.message == f"a part of {against}:2"


def test_questions_to_one_passage_are_no_duplicates_but_leak(tmp_path: Path) -> None:
    passage = "Ann lives in Paris, Bob in Rome, and nobody at all has lived in Troy for ages."
    first = {"question": "Where is Ann?", "passage": passage, "answer": "Paris"}
    second = {"question": "Where is Bob?", "passage": passage, "answer": "Rome"}
    own = written(tmp_path / "a.jsonl", [first, second])
    alone = checked(own)
    assert alone.task == "question-answering"
    assert set(alone.counts) == {"noted"}  # that it is not said where the answers stand
    other = written(tmp_path / "b.jsonl", [{"question": "Who?", "passage": passage, "answer": "Ann"}])
    assert at(checked(own, against=str(other)), "leak-group") == [1, 2]


def test_every_wrong_encoding_is_found_and_mended(tmp_path: Path) -> None:
    lines = rows()
    lines[1], lines[2], lines[3] = "很好很好的电影,good", "ä,bad", "cafÃ© was closed,good"
    lines[4] = "the end was lost\ufffd,bad"
    raw = ("\n".join(lines) + "\n").encode()
    raw = raw.replace("很好很好的电影".encode(), "很好很好的电影".encode("gb18030")).replace(
        "ä".encode(), b"caf\xe9 noir"
    )
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    report = checked(path)
    assert [
        (f.code, f.place.line) for f in report.findings if f.code in ("encoding", "mojibake", "lost")
    ] == [
        ("encoding", 2),
        ("encoding", 3),
        ("mojibake", 4),
        ("lost", 5),
    ]
    assert report.summary["encodings"] == {"gb18030": 1, "cp1252": 1, "utf-8": 2}


def test_utf16_is_read_and_mended_to_utf8(tmp_path: Path) -> None:
    report = checked(written(tmp_path / "a.csv", rows(), "utf-16"), fix=tmp_path / "b.csv")
    assert report.counts == {"encoding": 81}
    assert (tmp_path / "b.csv").read_text("utf-8") == "\n".join(rows()) + "\n"


def test_invisible_characters(tmp_path: Path) -> None:
    lines = rows()
    lines[4], lines[6], lines[8] = (
        "zero\u200bwidth,bad",
        "NUL\0 here,bad",
        "family 👨\u200d👩 می\u200cخواهم,bad",
    )
    report = checked(written(tmp_path / "a.csv", lines))
    assert at(report, "invisible") == [5, 7]
    assert "ZERO WIDTH SPACE" in report.findings[0].message


def test_invisible_characters_are_left_where_places_are_counted(tmp_path: Path) -> None:
    row = {"text": "An\u200bn in Paris", "entities": [{"label": "LOC", "start": 8, "end": 13}]}
    report = checked(written(tmp_path / "a.jsonl", [row]), task="entities")
    assert [(f.code, f.mends) for f in report.findings if f.code == "invisible"] == [("invisible", False)]


def test_offsets_of_entities(tmp_path: Path) -> None:
    text = "Ann lives in Paris"
    wrong = {"text": text, "entities": [{"label": "LOC", "start": 12, "end": 17, "text": "Paris"}]}
    absent = {"text": text, "entities": [{"label": "LOC", "start": 0, "end": 4, "text": "Rome"}]}
    cluener = {"text": text, "label": {"LOC": {"Paris": [[12, 16]]}, "PER": {"Ann": [[0, 2]]}}}
    report = checked(
        written(tmp_path / "a.jsonl", [wrong, absent]), task="entities", fix=tmp_path / "b.jsonl"
    )
    assert (at(report, "offset"), at(report, "absent"), at(report, "unreadable")) == ([1], [2], [2])
    assert json.loads((tmp_path / "b.jsonl").read_text("utf-8"))["entities"][0]["start"] == 13
    checked(written(tmp_path / "c.jsonl", [cluener]), task="entities", fix=tmp_path / "d.jsonl")
    assert json.loads((tmp_path / "d.jsonl").read_text("utf-8"))["label"]["LOC"]["Paris"] == [[13, 17]]


def test_offsets_of_answers_in_squads_form(tmp_path: Path) -> None:
    def question(start: int) -> dict[str, Any]:
        return {
            "id": f"q{start}",
            "question": f"Where {start}?",
            "answers": [{"text": "Paris", "answer_start": start}],
        }

    qas = [question(13), question(4), question(0)]
    whole = {
        "version": "1",
        "data": [{"title": "t", "paragraphs": [{"context": "Ann lives in Paris", "qas": qas}]}],
    }
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(whole), "utf-8")
    report = checked(path, fix=tmp_path / "mended.json")
    assert [found.message.partition(":")[0] for found in report.findings if found.code == "offset"] == [
        "q4",
        "q0",
    ]
    mended = json.loads((tmp_path / "mended.json").read_text("utf-8"))
    starts = [one["answers"][0]["answer_start"] for one in mended["data"][0]["paragraphs"][0]["qas"]]
    assert (starts, mended["version"]) == ([13, 13, 13], "1")


def test_empty_texts_and_labels_spelt_in_two_ways(tmp_path: Path) -> None:
    lines = rows()
    lines[4], lines[7] = " ,bad", lines[7].replace("good", "Good ")
    lines[9] = lines[9].replace("good", "ｇｏｏｄ")
    report = checked(written(tmp_path / "a.csv", lines), fix=tmp_path / "b.csv")
    assert (at(report, "empty"), sorted(at(report, "spelling"))) == ([5], [8, 10])
    assert checked(tmp_path / "b.csv").summary["labels"] == {"good": 40, "bad": 39}


def test_swapped_columns_and_rows(tmp_path: Path) -> None:
    lines = rows()
    text, label = lines[6].split(",")
    lines[6] = f"{label},{text}"
    assert at(checked(written(tmp_path / "a.csv", lines)), "swapped-row") == [7]
    swapped = ["text,label", *(",".join(reversed(line.split(","))) for line in rows()[1:])]
    assert checked(written(tmp_path / "b.csv", swapped)).counts["swapped"] == 1


def test_labels_that_no_model_believes(tmp_path: Path) -> None:
    lines = rows(200)
    lines[30] = lines[30].replace(",bad", ",good").replace("30", "30 dull broken cold lame")
    report = checked(written(tmp_path / "a.csv", lines))
    assert at(report, "suspicious") == [31]
    assert report.summary["right by words alone"] > 0.95


def test_rare_uneven_and_lone_labels_are_told(tmp_path: Path) -> None:
    lines = [*rows(), "never seen elsewhere,odd"]
    report = checked(written(tmp_path / "a.csv", lines))
    assert (at(report, "rare"), at(report, "uneven")) == ([82], [82])
    lone = [line.replace(",bad", ",good") for line in rows()]
    assert checked(written(tmp_path / "b.csv", lone)).counts["one-label"] == 1


def test_inputs_that_are_too_long_are_told(tmp_path: Path) -> None:
    lines = [*rows(), "so many words " * 30 + ",good"]
    report = checked(written(tmp_path / "a.csv", lines), max_pieces=64)
    assert at(report, "long") == [82]
    assert report.summary["pieces"]["share over"] == pytest.approx(1 / 81)


def test_parts_of_other_rows(tmp_path: Path) -> None:
    lines = [
        *rows(),
        "a rather long and winding road to nowhere,good",
        "long and winding road to nowhere,good",
    ]
    assert at(checked(written(tmp_path / "a.csv", lines)), "part") == [83]
    chinese = [*rows(), "今天天气真好我们去公园散步吧,good", "天气真好我们去公园,good", "去公园,bad"]
    assert at(checked(written(tmp_path / "b.csv", chinese)), "part") == [83]


def test_every_check_is_a_file_with_codes_of_its_own() -> None:
    kinds = [code for kind in check.classes() for code in kind.kinds]
    assert len(kinds) == len(set(kinds)) and not set(kinds) & set(KINDS)
    assert all(kind.fix and kind.about for one in check.classes() for kind in one.kinds.values())


def test_the_page_has_every_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text("utf-8")
    written = re.findall(
        r"^\| `([a-z-]+)`( !)? \| (.+) \|$", page.split("| code | what is found |")[1], re.MULTILINE
    )
    kinds = dict(KINDS) | {code: kind for one in check.classes() for code, kind in one.kinds.items()}
    assert written == [(code, " !" * kind.serious, kind.about) for code, kind in sorted(kinds.items())]
