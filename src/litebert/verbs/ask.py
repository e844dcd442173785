"""`litebert ask`: ask documents, or a FAQ, and get what stands there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.verbs.keywords import made
from litebert.verbs.streams import PIPE
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.apps.assistant import Assistant, Reply


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Ask an index: the answer is quoted with its place, or it is said that nothing is known.

    Questions through a pipe, for -, are one conversation, a line each: "and how long?" goes on from the last.

    Example: litebert ask docs.index "How long does a refund take?" --json
    """

    positional: ClassVar[bool] = True

    index: Path
    """A folder that `litebert index` made."""
    question: str
    """What to ask, or - for standard input, a question a line."""
    after: tuple[str, ...] = ()
    """What was asked before in the same conversation, in order."""
    model: str | None = None
    """A run of the task question-answering; left out, the sentence that says most is quoted."""
    known: float = 0.5
    """The share of a question that must be found again for anything to be known of it, from 0 to 1."""
    by: Literal["both", "words", "meaning"] = "both"
    """How passages are found."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto is bf16 where the chip has it."""
    json: bool = False
    """Print one JSON object for each answer."""

    def run(self) -> Reply:
        """The answer, with empty fields where nothing is known."""
        assistant = self._assistant()
        return next(_asked(assistant, (self.question,)))

    def main(self) -> int:
        questions = (line.strip() for line in sys.stdin) if self.question == PIPE else iter([self.question])
        for reply in _asked(self._assistant(), (one for one in questions if one)):
            print(json.dumps(asdict(reply), ensure_ascii=False) if self.json else _told(reply), flush=True)
        return 0

    def _assistant(self) -> Assistant:
        from litebert.apps.assistant import Assistant

        assistant = Assistant(
            self.index, model=self.model, known=self.known, by=self.by, precision=self.precision, tell=tell
        )
        for _ in _asked(assistant, self.after):
            pass
        return assistant


def ask(index: str | Path, question: str, **options: Any) -> Reply:
    """Ask an index. Options are the fields of `Ask`; for a conversation see `litebert.apps.assistant`."""
    return made(Ask, {"index": index, "question": question, **options}).run()


def _asked(assistant: Assistant, questions: Sequence[str] | Iterator[str]) -> Iterator[Reply]:
    return (assistant.ask(question) for question in questions)


def _told(reply: Reply) -> str:
    if not reply.source:
        return "I don't know: nothing here answers that."
    return f"{reply.answer}\n  ({reply.source}, characters {reply.start} to {reply.end})"
