"""Asking documents, or the entries of a FAQ, in natural language. What is answered is quoted, with its place.

A search gives passages. Of these a question-answering model finds the answer, where one is given; without
one it is the sentence that says most of what was asked, or a FAQ's own answer. Whether anything is known is
told by how much of the question is found again, each word weighted by how rare it is: that does not depend
on any model, and is no belief of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert.apps.search.passages import sentences
from litebert.apps.search.search import By, Searcher
from litebert.errors import UsageError
from litebert.text.bm25 import terms

KNOWN = 0.5
"""The share of a question that must be found again for anything to be known of it."""
READ = 8
"""Passages that are looked through."""
_SEAM = 0.5
"""What two characters count that stand together nowhere. Of 300 questions of LCQMC, asked in other words of
an index of 300, 94.3 % get their answer where 10 % of 300 others get one; at 1 it is 91.7 %."""
_BRIEF = 2
"""A question of at most so many terms of its own goes on from the one before."""

_EMPTY = frozenset(
    terms(
        "what which who whom whose when where why how is are was were be been do does did can could will "
        "would shall should may might must has have had the a an of in on at to for from by with and or not "
        "no if this that these those it its i you he she we they me him her us them my your his our their "
        "there here about as so than then also any some please tell know many much long get got one take "
        "takes need want work happen"
    )
) | frozenset(
    "的了吗呢吧啊是在有和与或不就也都我你他她它们这那哪谁么什怎请问个为上下到会能可以要多少几久才还很把被给让想该吧呀哦又再得着过"
)
"""What questions are put in, not what they are about: of no weight."""
_POINTING = re.compile(
    r"\b(it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then|one)\b"
    r"|^(and|but|so|or|what about|how about)\b|它|他|她|那|这|其|还有|^呢|呢[？?]?$",
    re.IGNORECASE,
)
"""What points at something that was said before."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its place. Where nothing is known, all is empty."""

    answer: str
    """As it stands in the source."""
    source: str
    """The document's id."""
    start: int
    """Where the answer begins in the document's text, in characters."""
    end: int
    """Where it ends."""
    score: float
    """From 0 to 1: the model's own, or the share of the question that was found again."""

    @property
    def known(self) -> bool:
        return bool(self.source)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation, as it was understood, and what was answered."""

    question: str
    reply: Reply


class Assistant:
    """An index that is asked. It remembers what was asked before: `and how long?` goes on from that."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str | None = None,
        known: float = KNOWN,
        by: By = "both",
        weight: float = 0.2,
        precision: str = "auto",
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """model: one for question answering. known: how much of a question must be found again, 0 to 1."""
        if not 0 <= known <= 1:
            raise UsageError(f"known must be from 0 to 1, but is {known}")
        self.search = Searcher(folder, precision=precision, tell=tell)
        self.turns: list[Turn] = []
        self._known, self._by, self._weight = known, by, weight
        self._model = None if model is None else _question_answering(model, precision)

    def ask(self, question: str) -> Reply:
        """The answer, or an empty one."""
        whole = self.understood(question)
        reply = self._answered(whole, question if asked(question) else whole)
        self.turns.append(Turn(whole, reply))
        return reply

    def understood(self, question: str) -> str:
        """The question with the one before it in front, if it goes on from that."""
        if not self.turns or not (_POINTING.search(question.strip()) or len(asked(question)) <= _BRIEF):
            return question
        return f"{self.turns[-1].question} {question}"

    def _answered(self, question: str, about: str) -> Reply:
        """about: the part of the question that must be found; what was asked before only leads there."""
        index = self.search.index
        found = self.search.passages(question, by=self._by, weight=self._weight)[:READ]
        texts = [index.read(row) for row, _ in found]
        covered = [(self.covered(about, t), self.covered(question, t), -n) for n, t in enumerate(texts)]
        if not found or max(covered)[0] < self._known:
            return _NONE
        rows = [row for row, _ in found]
        if self._model is not None:
            return self._read(
                question, [row for row, (share, *_) in zip(rows, covered, strict=True) if share]
            )
        share, _, place = max(covered)
        return self._quoted((about, question), rows[-place], share)

    def covered(self, question: str, text: str) -> float:
        """The share of what a question asks about that a text holds, each term by its weight, 0 to 1."""
        weights = {term: self._counted(term) for term in asked(question)}
        whole = sum(weights.values())
        held = set(terms(text))
        return sum(weight for term, weight in weights.items() if term in held) / whole if whole else 0.0

    def _counted(self, term: str) -> float:
        """The rarer, the more. Two characters that stand together nowhere are as likely the seam of two words
        (裹多 in 包裹多久) as a word, and count half."""
        words = self.search.index.words
        seam = len(term) == 2 and not term.isascii() and not words.having(term)
        return words.weight(term) * (_SEAM if seam else 1)

    def _quoted(self, questions: Sequence[str], passage: int, share: float) -> Reply:
        """The sentence of a passage that says most of the first question, of equals of the next; of a FAQ the
        whole answer."""
        index, span = self.search.index, self.search.index.span(passage)
        document = index.documents[index.owners[passage]]
        if document.faq:
            return Reply(index.text(passage), document.id, span.start, span.end, share)
        text = index.text(passage)
        said = {span: text[span.start : span.end] for span in sentences(text)}
        best = max(said, key=lambda span: [self.covered(one, said[span]) for one in questions])
        start, end = span.start + best.start, span.start + best.end
        return Reply(document.text[start:end], document.id, start, end, share)

    def _read(self, question: str, passages: Sequence[int]) -> Reply:
        """The surest answer that the model finds in the passages; empty if it says that there is none."""
        from litebert.engine.opening import as_input

        index = self.search.index
        assert self._model is not None
        task = self._model.task
        given = [as_input(task, {"question": question, "passage": index.text(row)}) for row in passages]
        replies = list(self._placed(passages, self._model(given)))
        return max(replies, key=lambda reply: reply.score, default=_NONE)

    def _placed(self, passages: Sequence[int], answers: Sequence[Any]) -> Iterator[Reply]:
        """The answers that there are, with their places in the documents."""
        index = self.search.index
        for row, one in zip(passages, answers, strict=True):
            if one.answer:
                document, first = index.documents[index.owners[row]], index.span(row).start
                yield Reply(one.answer, document.id, first + one.start, first + one.end, one.score)


_NONE = Reply("", "", 0, 0, 0.0)


def asked(question: str) -> list[str]:
    """The terms that a question is about."""
    about = [term for term in dict.fromkeys(terms(question)) if not set(term) <= _CHARACTERS]
    return [term for term in about if term not in _EMPTY]


_CHARACTERS = frozenset(term for term in _EMPTY if len(term) == 1 and not term.isascii())
"""Pairs of these say no more than each."""


def _question_answering(model: str, precision: str) -> Any:
    from litebert.engine.opening import open_model

    return open_model(model, task="question-answering", precision=precision)
