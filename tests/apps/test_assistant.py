"""The assistant quotes what stands there, with its place, or says that it does not know."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import litebert
from litebert.apps.assistant import Assistant, asked
from litebert.cli import main
from litebert.errors import UsageError
from litebert.model_source import open_source
from litebert.run import save
from litebert.tasks.naming import named
from small_runs import Runs, write

DOCUMENTS = {
    "refunds.txt": "Our shop is old.\n\n  A refund takes five working days. Shipping is never refunded.",
    "hours.txt": "We open at nine. On Sundays the shop is closed.",
    "送货.txt": "包裹三天内送到。周日不送货。\n退款要五个工作日。",
}
FAQ = [
    {"id": "gift", "question": "Can I return a gift?", "answer": "Yes, within thirty days, for a voucher."},
    {"id": "发票", "question": "怎么开发票？", "answer": "在订单页点“开发票”。一天内发到邮箱。"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of words alone, so that no model decides."""
    folder = tmp_path_factory.mktemp("shop")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    write(folder / "faq.jsonl", FAQ)
    out = tmp_path_factory.mktemp("index")
    litebert.index(str(folder), out, model="none")
    return out


@pytest.mark.parametrize(
    ("question", "source", "answer"),
    [
        ("How long does a refund take?", "refunds.txt", "A refund takes five working days."),
        ("Is the shop closed on Sunday?", "hours.txt", "On Sundays the shop is closed."),
        ("包裹几天送到？", "送货.txt", "包裹三天内送到。"),
        ("包裹多久送到？", "送货.txt", "包裹三天内送到。"),
        ("退款要多少个工作日", "送货.txt", "退款要五个工作日。"),
        ("Can I return my gift?", "faq.jsonl#gift", FAQ[0]["answer"]),
        ("发票怎么开", "faq.jsonl#发票", FAQ[1]["answer"]),
    ],
)
def test_an_answer_is_quoted_with_its_place(shop: Path, question: str, source: str, answer: str) -> None:
    reply = litebert.ask(shop, question)
    assert (reply.source, reply.answer) == (source, answer) and reply.known
    whole = DOCUMENTS.get(source, answer)
    assert whole[reply.start : reply.end] == answer and 0.5 <= reply.score <= 1


@pytest.mark.parametrize(
    "question",
    [
        "Who is the king of France?",
        "月亮离地球有多远？",
        "How long is the train to Berlin?",
        "",
        "?",
    ],
)
def test_what_is_not_there_is_not_known(shop: Path, question: str) -> None:
    reply = litebert.ask(shop, question)
    assert (reply.answer, reply.source, reply.start, reply.end, reply.score) == ("", "", 0, 0, 0.0)


def test_a_question_may_go_on_from_the_one_before(shop: Path) -> None:
    assistant = Assistant(shop)
    assert assistant.ask("How long does a refund take?").source == "refunds.txt"
    again = assistant.ask("And is shipping?")
    assert again.source == "refunds.txt"
    assert assistant.turns[1].question == "How long does a refund take? And is shipping?"
    assert not litebert.ask(shop, "How long does it take?").known
    assert (
        litebert.ask(shop, "How long does it take?", after=("What about a refund?",)).source == "refunds.txt"
    )
    assert assistant.ask("When do you open the shop on Sundays?").source == "hours.txt"
    assert assistant.turns[-1].question == "When do you open the shop on Sundays?"


def test_what_goes_on_is_answered_by_its_own_words(shop: Path) -> None:
    """Not by those of the question before, which have their answer."""
    for question, source in (("那发票呢？", "faq.jsonl#发票"), ("那月亮呢？", "")):
        reply = litebert.ask(shop, question, after=("包裹几天送到？",))
        assert reply.source == source
    assert litebert.ask(shop, "And France?", after=("How long does a refund take?",)).source == ""
    assert (
        litebert.ask(shop, "And a gift?", after=("How long does a refund take?",)).source == "faq.jsonl#gift"
    )


def test_a_question_is_about_its_own_words() -> None:
    assert asked("How long does the refund take?") == ["refund"]
    assert {"退款", "退", "款"} <= set(asked("退款要多少天？")) and "多少" not in asked("退款要多少天？")


def test_a_seam_of_two_words_counts_less_than_a_word(shop: Path) -> None:
    """裹多 and 久送 stand nowhere, and are no words."""
    assistant = Assistant(shop)
    assert not {"久", "几天"} & set(asked("包裹多久送到？"))
    covered = assistant.covered("包裹送到", "包裹三天内送到。")
    assert covered > 0.8 > assistant.covered("包裹丢了", "包裹三天内送到。")


def test_ask_from_the_command_line(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["ask", str(shop), "How long does a refund take?", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["answer", "source", "start", "end", "score"]
    monkeypatch.setattr("sys.stdin", io.StringIO("What about a refund?\n\nHow long does it take?\nZebras?\n"))
    assert main(["ask", str(shop), "-", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["source"] for line in lines] == ["refunds.txt", "refunds.txt", ""]
    assert main(["ask", str(shop), "Zebras?"]) == 0
    assert "don't know" in capsys.readouterr().out


def test_a_models_answer_has_its_place_in_the_document(shop: Path, runs: Runs, tmp_path: Path) -> None:
    """Of random weights it is nonsense, but what it says stands where it says."""
    source, task = open_source(str(runs.model)), named("question-answering")()
    save(tmp_path / "model", source.model(task), task, source.tokenizer)
    assistant = Assistant(shop, model=str(tmp_path / "model"), precision="fp32")
    for question in ("Is the shop closed on Sunday?", "包裹几天送到？", "How long does a refund take?"):
        reply = assistant.ask(question)
        answers = {f"faq.jsonl#{entry['id']}": entry["answer"] for entry in FAQ}
        whole = {**DOCUMENTS, **answers, "": ""}[reply.source]
        assert whole[reply.start : reply.end] == reply.answer and bool(reply.answer) == reply.known
    assert not assistant.ask("Who is the king of France?").known


def test_how_much_must_be_found_is_a_choice(shop: Path) -> None:
    question = "Does the refund of a zebra take five lions?"
    assert litebert.ask(shop, question, known=0.2).source == "refunds.txt"
    assert not litebert.ask(shop, question, known=0.9).known
    with pytest.raises(UsageError, match="from 0 to 1"):
        litebert.ask(shop, question, known=1.5)
