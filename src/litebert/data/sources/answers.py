"""Questions with the passage that answers them: where the answer stands, or that there is none.

SQuAD 2.0 here is the half of its official dev that Stanford gives its students (github.com/chrischute/squad):
16 articles, of which 4 are `dev` and the others `train`. Of DRCD and CMRC it does without their own train: it
is four fifths of DRCD's dev, by the hash of the paragraph, and CMRC's dev, with its trial set as `dev`.
"""

from __future__ import annotations

from litebert.data.formats.table import Cells
from litebert.data.reader import Only
from litebert.data.source import Read, Source, from_file
from litebert.data.split import position
from litebert.tasks.question_answering import QuestionAnswering

HELD_OUT = frozenset({"Normans", "Steam_engine", "Warsaw", "Yuan_dynasty"})
"""SQuAD's articles for dev: 1,583 of 6,078 questions."""
SHARE = 0.2
"""Of DRCD's paragraphs, for dev."""

QUESTIONS = QuestionAnswering()
WITH_NONE = QuestionAnswering(unanswerable=True)

_SQUAD, _DRCD = "squad_v2_half/dev-v2.0.half.json", "drcd_zh/DRCD_dev.json"


_COLUMNS = {"question": "question", "passage": "passage", "answer": "answers"}


def _read(name: str, task: QuestionAnswering, only: Only | None = None) -> Read:
    return from_file(name, task, _COLUMNS, only=only)


def _is_held_out(cells: Cells) -> bool:
    return cells.get("title") in HELD_OUT


def _is_in_dev(cells: Cells) -> bool:
    return position(cells["passage"]) < SHARE


squad = Source(
    WITH_NONE,
    {
        "train": _read(_SQUAD, WITH_NONE, only=lambda cells: not _is_held_out(cells)),
        "dev": _read(_SQUAD, WITH_NONE, only=_is_held_out),
        "all": _read(_SQUAD, WITH_NONE),
    },
    "SQuAD 2.0, half of its dev: 16 articles, half the questions without an answer (Rajpurkar et al. 2018)",
)
cmrc = Source(
    QUESTIONS,
    {
        "train": _read("cmrc2018_zh/cmrc2018_dev.json", QUESTIONS),
        "dev": _read("cmrc2018_zh/cmrc2018_trial.json", QUESTIONS),
    },
    "CMRC 2018: questions to the Chinese Wikipedia; its dev as train, its trial as dev (Cui et al. 2019)",
)
drcd = Source(
    QUESTIONS,
    {
        "train": _read(_DRCD, QUESTIONS, only=lambda cells: not _is_in_dev(cells)),
        "dev": _read(_DRCD, QUESTIONS, only=_is_in_dev),
        "all": _read(_DRCD, QUESTIONS),
    },
    "DRCD: questions to the Chinese Wikipedia, in traditional characters; its dev alone (Shao et al. 2018)",
)
qa_srl = Source(
    QUESTIONS,
    {split: _read(f"qa_srl/{split}.json", QUESTIONS) for split in ("train", "test")},
    "QA-SRL: who did what, asked about a sentence; answers found by their text (He et al. 2015)",
)
