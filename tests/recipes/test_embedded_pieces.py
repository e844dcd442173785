import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
import torch
from transformers import BertConfig, BertModel

from litebert.errors import UsageError
from litebert.model.checkpoints.loading import write_folder
from litebert.model.config import EncoderConfig
from litebert.model.pretraining import PretrainingModel
from litebert.model_source import open_source
from litebert.recipes import embedded_pieces
from litebert.text import spiece
from litebert.text.loading import load_tokenizer
from small_tokenizers import train

MODEL = train()
SHARED = [piece[1:] for piece in spiece.read(MODEL).pieces if re.fullmatch("▁[a-z]{3,}", piece)]
"""Words that are pieces of the student's."""
NEW = ["neighbourly", "sleepiness", "costing"]
TEXT = f"They said {' and '.join([*SHARED, *NEW])} began. " * 5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vocabulary and student, a teacher that knows words, and text."""
    out = tmp_path_factory.mktemp("pieces")
    (out / "vocabulary").mkdir()
    (out / "vocabulary" / "spiece.model").write_bytes(MODEL)
    (out / "text").mkdir()
    (out / "text" / "wikipedia.en.txt").write_text(f'<doc id="1">\n{TEXT}</doc>\n', "utf-8")
    (out / "text" / "books.en.jsonl").write_text(json.dumps({"text": TEXT}) + "\n", "utf-8")
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*specials, *SHARED, "unseen", *NEW]
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=4,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
        )
    ).save_pretrained(out / "teacher")
    (out / "teacher" / "vocab.txt").write_text("\n".join(words), "utf-8")
    embedded_pieces.extend(out / "vocabulary", out / "teacher", out / "text", out / "wider")
    return out


def config_of(folders: Path) -> EncoderConfig:
    """A small student's, with the pieces of the vocabulary."""
    return EncoderConfig(
        vocabulary=load_tokenizer(folders / "vocabulary").size,
        embedding=3,
        hidden=8,
        heads=2,
        intermediate=8,
        attention=(0,),
        feedforward=(0,),
    )


def write(student: Path, model: PretrainingModel, folders: Path) -> None:
    """The folder of a student, with that vocabulary."""
    tokenizer = load_tokenizer(folders / "vocabulary")
    write_folder(student, model.checkpoint(), pad=tokenizer.pad)
    tokenizer.save(student)


def test_the_teachers_words_become_pieces_after_all_others(folders: Path):
    own, wider = load_tokenizer(folders / "vocabulary"), load_tokenizer(folders / "wider")

    assert wider.size == own.size + len(NEW)
    assert [wider.encode(word).ids.tolist() for word in NEW] == [[own.size + i] for i in range(len(NEW))]
    assert wider.encode("unseen rivers, 2004").ids.tolist() == own.encode("unseen rivers, 2004").ids.tolist()


def test_a_wider_student_reads_old_pieces_as_before(folders: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_pieces, "RIDGE", 1e-6)
    own, wider = load_tokenizer(folders / "vocabulary"), load_tokenizer(folders / "wider")
    config = config_of(folders)
    model = PretrainingModel.of(None, config, pairs=True)
    theirs = BertModel.from_pretrained(folders / "teacher").embeddings.word_embeddings.weight.detach()
    places = {
        word: i for i, word in enumerate((folders / "teacher" / "vocab.txt").read_text("utf-8").split("\n"))
    }
    torch.manual_seed(1)
    turn = torch.randn(4, 3)
    rows = model.encoder.state_dict()["embeddings.words.weight"]
    for word in SHARED:
        rows[own.encode(word).ids[0]] = theirs[places[word]] @ turn
    write(folders / "student", model, folders)

    embedded_pieces.widen(folders / "student", folders / "wider", folders / "teacher", folders / "widened")

    found = open_source(str(folders / "widened"))
    before = PretrainingModel.of(
        open_source(str(folders / "student")).checkpoint, config, pairs=True
    ).state_dict()
    after = PretrainingModel.of(found.checkpoint, found.config, pairs=True).state_dict()
    assert found.tokenizer.size == found.config.vocabulary == wider.size
    for name, tensor in before.items():
        assert torch.equal(after[name][: len(tensor)], tensor), name
    new = after["encoder.embeddings.words.weight"][own.size :]
    aims = torch.stack([theirs[places[word]] @ turn for word in NEW])
    assert torch.cosine_similarity(new, aims).min() > 0.99


def test_a_vocabulary_that_is_no_larger_one_is_refused(folders: Path, tmp_path: Path):
    model = spiece.read(MODEL)
    other = replace(model, pieces=(*model.pieces[:-1], "▁otherwise"))
    (tmp_path / "spiece.model").write_bytes(spiece.write(other))
    write(tmp_path / "student", PretrainingModel.of(None, config_of(folders), pairs=True), folders)

    with pytest.raises(UsageError, match="are not those of"):
        embedded_pieces.widen(tmp_path / "student", tmp_path, folders / "teacher", tmp_path / "out")


def test_a_piece_that_the_teacher_lacks_is_refused(folders: Path, tmp_path: Path):
    write(tmp_path / "student", PretrainingModel.of(None, config_of(folders), pairs=True), folders)
    (tmp_path / "spiece.model").write_bytes(spiece.with_more(MODEL, {"▁nobody": -10.0}))

    with pytest.raises(UsageError, match="teacher has none for"):
        embedded_pieces.widen(tmp_path / "student", tmp_path, folders / "teacher", tmp_path / "out")


def test_more_pieces_open_in_sentencepiece():
    assert spiece.with_more(MODEL, {}) == MODEL
    more = spiece.with_more(MODEL, {"▁naïve": -3.0, "河川": -2.5})

    theirs = sentencepiece.SentencePieceProcessor(model_proto=more)
    count = len(spiece.read(MODEL).pieces)
    assert [theirs.piece_to_id(piece) for piece in ("▁naïve", "河川")] == [count, count + 1]
    assert theirs.encode("naïve", out_type=str) == ["▁naïve"]
