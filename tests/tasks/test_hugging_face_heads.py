"""Folders that `transformers` wrote are opened as these tasks, and answer as its own models do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from litebert.embedded import tokenizer_folder
from litebert.engine.opening import as_input, open_model
from litebert.engine.predictor import Predictor
from litebert.tasks.places import allowed
from litebert.text.loading import load_tokenizer


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("transformers")


def opened(theirs: Any, kind: str, folder: Path) -> tuple[Any, Predictor[Any, Any]]:
    """Their model with random weights, and ours from its folder."""
    torch.manual_seed(0)
    config = theirs.AlbertConfig(
        vocab_size=load_tokenizer(tokenizer_folder()).size,
        embedding_size=16,
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=64,
        num_hidden_layers=2,
        initializer_range=0.5,
    )
    model = getattr(theirs, kind)(config).eval()
    model.save_pretrained(folder)
    shutil.copy(tokenizer_folder() / "spiece.model", folder)
    return model, open_model(str(folder), precision="fp32")


def test_questions_are_answered_as_theirs_are(theirs: Any, tmp_path: Path) -> None:
    model, predictor = opened(theirs, "AlbertForQuestionAnswering", tmp_path)
    asked = as_input(predictor.task, {"question": "Who?", "passage": "Some people walked by the river."})
    (row,) = predictor.task.encode(asked, predictor.tokenizer)
    with torch.no_grad():
        found = model(
            torch.from_numpy(row.ids[None]).long(), token_type_ids=torch.from_numpy(row.segments[None]).long()
        )
    inside = np.flatnonzero(allowed(row))[1:]
    table = (found.start_logits[0][inside, None] + found.end_logits[0][None, inside]).numpy()
    first, last = np.unravel_index(np.where(np.tri(len(inside), k=-1), -np.inf, table).argmax(), table.shape)
    start, end = row.spans[inside[first], 0], row.spans[inside[last], 1]
    (answer,) = predictor([asked])
    assert (answer.start, answer.end) == (start, end)


def test_choices_are_made_as_theirs_are(theirs: Any, tmp_path: Path) -> None:
    model, predictor = opened(theirs, "AlbertForMultipleChoice", tmp_path)
    options = ["red", "a very blue thing", "x"]
    asked = as_input(predictor.task, {"question": "It is", "options": options, "passage": "p q r s"})
    rows = predictor.task.encode(asked, predictor.tokenizer)
    width = max(map(len, rows))
    ids, segments, mask = (
        torch.tensor(np.stack([np.pad(one, (0, width - len(one))) for one in many])[None]).long()
        for many in ([r.ids for r in rows], [r.segments for r in rows], [np.ones(len(r)) for r in rows])
    )
    with torch.no_grad():
        chances = model(ids, token_type_ids=segments, attention_mask=mask).logits.softmax(1)[0]
    (chosen,) = predictor([asked])
    assert chosen.index == int(chances.argmax())
    assert chosen.probability == pytest.approx(float(chances.max()), abs=1e-5)
