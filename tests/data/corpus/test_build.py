"""The same bytes whatever the number of workers, shards and jobs; what is refused; what is mended."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from litebert.data.corpus import parts
from litebert.data.corpus import settings as settings_module
from litebert.data.corpus.build import build
from litebert.data.corpus.reader import Corpus
from litebert.data.corpus.sentences import split
from litebert.data.corpus.settings import Settings
from litebert.errors import DataError, UsageError
from litebert.text.loading import load_tokenizer
from small_corpora import document, documents, files, make

SETTINGS = Settings(documents="blank-line", min_chars=1, shard_bytes=3000)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three files, about 18 shards."""
    folder = tmp_path_factory.mktemp("source") / "texts"
    folder.mkdir()
    texts = documents(150)
    for name, some in (("a.txt", texts[:70]), ("b.txt", texts[70:140]), ("c.txt", texts[140:])):
        (folder / name).write_text("\n\n".join(some), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, source: Path, tokenizer: Path) -> dict[str, bytes]:
    """The files of the corpus, made by one process without a disturbance."""
    out = tmp_path_factory.mktemp("whole") / "corpus"
    build([source], out, tokenizer, SETTINGS)
    return files(out)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_give_the_same_bytes(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes], workers: int
) -> None:
    told: list[tuple[int, int]] = []
    report = build(
        [source], tmp_path / "out", tokenizer, SETTINGS, workers=workers, told=lambda *done: told.append(done)
    )
    assert files(tmp_path / "out") == whole
    assert report is not None and report.kept == len(Corpus(tmp_path / "out"))
    assert told[-1][0] == told[-1][1] == len(told)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 2, 3, 0, 1)])
def test_jobs_in_any_order_give_the_same_bytes(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes], order: tuple[int, ...]
) -> None:
    reports = [build([source], tmp_path / "out", tokenizer, SETTINGS, shard=(job, 4)) for job in order]
    assert [report is not None for report in reports] == [False] * (len(order) - 1) + [True]
    assert files(tmp_path / "out") == whole
    assert build([source], tmp_path / "out", tokenizer, SETTINGS, shard=(1, 4)) == reports[-1]


def test_the_size_of_shards_does_not_change_the_corpus(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes]
) -> None:
    build([source], tmp_path / "out", tokenizer, Settings(documents="blank-line", min_chars=1))
    made = files(tmp_path / "out")
    reports = [json.loads(each["corpus.json"])["report"] for each in (made, whole)]
    assert reports[0] == reports[1]
    assert {k: v for k, v in made.items() if k != "corpus.json"} == {
        k: v for k, v in whole.items() if k != "corpus.json"
    }


def test_pieces_are_those_of_the_sentences(tmp_path: Path, tokenizer: Path) -> None:
    """Against the text taken apart again, without shards, chunks or batches."""
    texts = [document(number) for number in range(40)]
    corpus = make(tmp_path / "out", texts, tokenizer, near_duplicates=None, shard_bytes=700)
    opened = load_tokenizer(corpus.folder)
    assert opened.fingerprint == load_tokenizer(tokenizer).fingerprint == corpus.manifest["tokenizer"]
    assert len(corpus) == 40
    for number, text in enumerate(texts):
        wanted = [sentence for paragraph in text.split("\n") for sentence in split(paragraph)]
        found = [corpus.sentence(each) for each in corpus.sentences(number)]
        assert [each.tolist() for each in found] == [opened.encode(each).ids.tolist() for each in wanted]
    corpus.check()


def test_duplicates_go_and_are_told(tmp_path: Path, tokenizer: Path) -> None:
    pytest.importorskip("datasketch")
    texts = [document(number) for number in range(30)]
    first, _, rest = texts[9].partition(" ")
    texts[20], texts[25] = texts[4].upper(), f"{first} Indeed {rest}"
    corpus = make(tmp_path / "out", texts, tokenizer, near_duplicates=0.7, shard_bytes=900)
    line = [sum(len(text.split("\n")) + 1 for text in texts[:at]) + 1 for at in range(30)]
    dropped = corpus.report.dropped
    assert dropped["same as an earlier one"].first == [f"out.txt:{line[20]} as out.txt:{line[4]}"]
    assert dropped["nearly an earlier one"].first == [f"out.txt:{line[25]} like out.txt:{line[9]}"]
    assert (corpus.report.read, corpus.report.kept, len(corpus)) == (30, 28, 28)


def test_what_is_dropped_is_told_with_its_place(tmp_path: Path, tokenizer: Path) -> None:
    rows = [
        "The sailor found the letter.",
        "Hi",
        "",
        "Это не по-английски и не по-китайски",
        "word " * 200,
        "<p></p>",
    ]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    settings = Settings(min_chars=5, max_chars=900, near_duplicates=None, shard_bytes=40)
    report = build([source], tmp_path / "out", tokenizer, settings)
    assert report is not None
    assert {reason: drops.first for reason, drops in report.dropped.items()} == {
        "too short": ["rows.jsonl:2"],
        "empty": ["rows.jsonl:3", "rows.jsonl:6"],
        "language: other": ["rows.jsonl:4"],
        "too long": ["rows.jsonl:5"],
    }
    assert (report.read, report.kept) == (6, 1)
    assert "        2 dropped: empty (rows.jsonl:3, rows.jsonl:6)" in list(report.lines())


def test_scrubbing_is_asked_for(tmp_path: Path, tokenizer: Path) -> None:
    text = "My sister wrote to ann@example.org about it. She sold the letter after dinner."
    kept = make(tmp_path / "kept", [text], tokenizer, near_duplicates=None)
    gone = make(tmp_path / "gone", [text], tokenizer, near_duplicates=None, scrub=True)
    opened = load_tokenizer(tokenizer)
    assert gone.report.scrubbed == {"email": 1} and kept.report.scrubbed == {}
    wanted = opened.encode("My sister wrote to [email] about it.").ids.tolist()
    assert gone.sentence(0).tolist() == wanted != kept.sentence(0).tolist()


def test_a_folder_of_another_corpus_is_refused(tmp_path: Path, source: Path, tokenizer: Path) -> None:
    out = tmp_path / "out"
    assert build([source], out, tokenizer, SETTINGS, shard=(0, 2)) is None
    other = Settings(documents="blank-line", min_chars=2, shard_bytes=3000)
    with pytest.raises(UsageError, match="settings min_chars: 1 there, 2 here"):
        build([source], out, tokenizer, other)
    with pytest.raises(UsageError, match="files differ"):
        build([source / "a.txt"], out, tokenizer, SETTINGS)
    assert build([source], out, tokenizer, SETTINGS) is not None
    with pytest.raises(UsageError, match="settings min_chars: 1 there, 2 here"):
        build([source], out, tokenizer, other)


def test_a_folder_with_other_files_is_refused(tmp_path: Path, source: Path, tokenizer: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="holds other files"):
        build([source], tmp_path, tokenizer, SETTINGS)


def test_an_input_edited_between_two_jobs_is_noticed(tmp_path: Path, tokenizer: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("\n\n".join(documents(30)))
    assert build([source], tmp_path / "out", tokenizer, SETTINGS, shard=(0, 2)) is None
    source.write_text(source.read_text() + "!")
    with pytest.raises(UsageError, match="files differ"):
        build([source], tmp_path / "out", tokenizer, SETTINGS, shard=(1, 2))


def test_a_damaged_part_is_named_and_made_again(
    tmp_path: Path, source: Path, tokenizer: Path, whole: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    build([source], out, tokenizer, SETTINGS, shard=(0, 2))
    part = parts.part_path(out / ".parts", 2)
    data = bytearray(part.read_bytes())
    data[-9] ^= 1
    part.write_bytes(data)
    with pytest.raises(DataError, match=r"00002\.safetensors: is damaged, and will be made again"):
        build([source], out, tokenizer, SETTINGS, shard=(1, 2))
    build([source], out, tokenizer, SETTINGS)
    assert files(out) == whole


def test_the_error_of_a_worker_is_the_error(tmp_path: Path, tokenizer: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes("\n\n".join(documents(30)).encode() + b"\n\n\xff")
    for workers in (1, 2):
        with pytest.raises(DataError, match=r"a\.txt:\d+:1: the byte 0xff is not UTF-8"):
            build([source], tmp_path / f"out{workers}", tokenizer, SETTINGS, workers=workers)


@pytest.mark.parametrize("job", [(-1, 2), (2, 2), (0, 0)])
def test_a_job_that_cannot_be(tmp_path: Path, source: Path, tokenizer: Path, job: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="shard is"):
        build([source], tmp_path / "out", tokenizer, SETTINGS, shard=job)


def test_nothing_to_read_and_nothing_left(tmp_path: Path, tokenizer: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no text files in .*empty"):
        build([tmp_path / "empty"], tmp_path / "out", tokenizer)
    with pytest.raises(UsageError, match="name the files and folders of text to read, such as"):
        build([], tmp_path / "out", tokenizer)
    (tmp_path / "a.txt").write_text("Hi\n\nHo\n")
    with pytest.raises(
        DataError, match=r"no document is left of the input: 0 of 2 documents kept.*2 dropped: too short"
    ):
        build([tmp_path / "a.txt"], tmp_path / "out", tokenizer, Settings(near_duplicates=None))


def test_a_missing_library_is_named_with_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path, tokenizer: Path
) -> None:
    def missing(name: str) -> str:
        raise settings_module.PackageNotFoundError(name)

    monkeypatch.setattr(settings_module, "version", missing)
    with pytest.raises(
        UsageError, match=r"needs datasketch: pip install 'litebert\[data\]'.*--near-duplicates none"
    ):
        build([source], tmp_path / "out", tokenizer, SETTINGS)
    with pytest.raises(UsageError, match=r"needs rjieba: pip install 'litebert\[data\]'.*--words pieces"):
        Settings(near_duplicates=None, words="jieba").libraries()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"documents": "wikis"}, "did you mean 'wiki'"),
        ({"languages": ("en", "fr")}, "no language is named 'fr'"),
        ({"languages": ()}, "languages is empty"),
        ({"words": "jeiba"}, "did you mean 'jieba'"),
        ({"min_chars": 9, "max_chars": 8}, "min_chars"),
        ({"near_duplicates": 1.5}, "near_duplicates is 1.5"),
        ({"shard_bytes": 0}, "shard_bytes is 0"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)  # type: ignore[arg-type]


def test_opening_what_is_no_corpus(tmp_path: Path, tokenizer: Path) -> None:
    with pytest.raises(DataError, match="holds no corpus"):
        Corpus(tmp_path)
    corpus = make(tmp_path / "out", [document(0), document(1)], tokenizer, near_duplicates=None)
    pieces = corpus.folder / "pieces.bin"
    data = pieces.read_bytes()
    pieces.write_bytes(data[:-2])
    with pytest.raises(DataError, match=r"pieces\.bin: has .* bytes; corpus\.json says"):
        Corpus(corpus.folder)
    pieces.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(DataError, match=r"pieces\.bin: is damaged"):
        Corpus(corpus.folder).check()
    (corpus.folder / "corpus.json").write_text('{"version": 1}')
    with pytest.raises(DataError, match=r"corpus\.json: is damaged"):
        Corpus(corpus.folder)
    (corpus.folder / "corpus.json").write_text("[")
    with pytest.raises(DataError, match="is no JSON"):
        Corpus(corpus.folder)


def test_reading_by_number(corpus: Corpus) -> None:
    last = corpus.sentences(len(corpus) - 1)
    assert last.stop == len(corpus.sentence_ends)
    assert corpus.sentences(-1) == last
    assert corpus.sentence(last[-1]).tolist() == corpus.pieces[-len(corpus.sentence(-1)) :].tolist()
    with pytest.raises(IndexError):
        corpus.sentences(len(corpus))
    everything = corpus.starts_word(np.arange(len(corpus.pieces)))
    starts = np.append(0, corpus.sentence_ends[:-1]).astype(np.int64)
    assert everything[starts].all() and 0.2 < everything.mean() < 1
