import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

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
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
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
    yield out


def test_the_teachers_words_become_pieces_after_all_others(folders: Path):
    own, wider = load_tokenizer(folders / "vocabulary"), load_tokenizer(folders / "wider")

    assert wider.size == own.size + len(NEW)
    assert [wider.encode(word).ids.tolist() for word in NEW] == [[own.size + i] for i in range(len(NEW))]
    assert wider.encode("unseen rivers, 2004").ids.tolist() == own.encode("unseen rivers, 2004").ids.tolist()


def test_a_wider_student_reads_old_pieces_as_before(folders: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_pieces, "RIDGE", 1e-6)
    own, wider = load_tokenizer(folders / "vocabulary"), load_tokenizer(folders / "wider")
    config = EncoderConfig(
        vocabulary=own.size, embedding=3, hidden=8, heads=2, intermediate=8, attention=(0,), feedforward=(0,)
    )
    model = PretrainingModel.of(None, config, pairs=True)
    theirs = BertModel.from_pretrained(folders / "teacher").embeddings.word_embeddings.weight.detach()
    places = {word: i for i, word in enumerate((folders / "teacher" / "vocab.txt").read_text().split("\n"))}
    turn = torch.randn(4, 3)
    rows = model.encoder.state_dict()["embeddings.words.weight"]
    for word in SHARED:
        rows[own.encode(word).ids[0]] = theirs[places[word]] @ turn
    write_folder(folders / "student", model.checkpoint(), pad=own.pad)
    own.save(folders / "student")

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
