"""What tasks that write give, what data want of them, and how the two are compared.

BLEU is sacrebleu's (arXiv 1804.08771), with its own tokenizer for Chinese, ROUGE is rouge-score's (F measure,
no stemming), for Chinese with a tokenizer of characters, since its own drops all but ASCII. Of several
references BLEU counts what is in any, ROUGE takes the best, and a text is a match if it is one of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from litebert.errors import UsageError
from litebert.tasks.defaults import InputT
from litebert.tasks.task import Record, Task

Script = Literal["words", "characters"]
"""What a text is counted in: words with spaces between them, or Chinese characters."""

_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_KEPT = 1 << 16
"""Pairs whose statistics are kept, for resampling and for the next look at dev."""
_SEEN = 1000
"""Texts by which it is told what they are counted in."""
_ORDERS = 4
_COUNTS = 2 * _ORDERS + 2 + 4 + 1 + 2


@dataclass(frozen=True, slots=True)
class Written(Record):
    """A text."""

    text: str
    """The text that was written."""


@dataclass(frozen=True, slots=True)
class Wanted(Written):
    """A text that is right, and perhaps others that are as right."""

    references: tuple[str, ...] = ()
    """Further texts that are right."""

    @property
    def every(self) -> tuple[str, ...]:
        return (self.text, *self.references)


@dataclass(frozen=True, slots=True)
class Weighed(Written):
    """What was written, with how likely the wanted text was to the model."""

    nats: float = 0.0
    """-ln p of the wanted text, its end included."""
    pieces: int = 0
    """Pieces of the wanted text, its end included."""


def exact(cell: Any) -> str:
    """The text to write that a cell of a data file holds, to the character; a number is one, too.

    >>> exact("    return x"), exact(7)
    ('    return x', '7')
    """
    if isinstance(cell, str) and cell.strip():
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    wrong = "is missing" if cell is None else "is empty" if cell in ("", []) else f"is {cell!r:.60}"
    raise ValueError(f"{wrong}; expected a text to write")


def trimmed(cell: Any) -> str:
    """The same without white space around it, which is no part of a sentence."""
    return exact(cell).strip()


@dataclass(frozen=True, kw_only=True)
class TextTask(Task[InputT, Written]):
    """Abstract: a task whose answer is a text, which is compared with others by what both have."""

    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"text": trimmed}

    Output = Written
    Wanted = Wanted

    script: Script = "words"
    """What texts are counted in; filled in from the training data."""

    def row(
        self,
        cells: dict[str, Any],
        columns: Mapping[str, str],
        note: Callable[[str], None],  # noqa: ARG002
    ) -> dict[str, Any]:
        """A list of sentences is a source; a list of texts to write is a text and further references."""
        changed, text = dict(self.asked(cells, columns)), columns.get("text")
        if text is not None and _is_texts(cells.get(text)) and cells[text]:
            changed[text], *others = cells[text]
            changed[columns.get("references", "references")] = others
        return changed

    def asked(self, cells: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """A list of sentences is a source."""
        field = fields(self.Input)[0].name
        source = columns.get(field, field)
        return {**cells, source: " ".join(cells[source])} if _is_texts(cells.get(source)) else cells

    def fit(self, wanted: Sequence[Written]) -> Self:
        needs_metrics()
        return replace(self, script=script_of(one.text for one in wanted[:_SEEN]))

    def mistake(self, output: Written, wanted: Written) -> float | None:
        return None if is_match(output.text, wanted) else 1 - rouge_l(output.text, wanted, self.script)

    def measure(self, outputs: Sequence[Written], wanted: Sequence[Written]) -> dict[str, float]:
        return self.measured(self.counts(outputs, wanted).sum(axis=0))

    def counts(self, outputs: Sequence[Written], wanted: Sequence[Written]) -> NDArray[np.float64]:
        return counts(outputs, wanted, self.script)

    def measured(self, sums: NDArray[np.float64]) -> dict[str, float]:
        return measured(sums)


def _is_texts(cell: Any) -> bool:
    return isinstance(cell, list) and all(isinstance(one, str) for one in cell)


def needs_metrics() -> None:
    """Raises `UsageError` if the packages that measure texts are missing."""
    try:
        import rouge_score  # noqa: F401
        import sacrebleu  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"texts are measured by sacrebleu and rouge-score, and {error.name} is not installed: "
            "pip install 'litebert[generation]'"
        ) from None


def script_of(texts: Iterable[str]) -> Script:
    """In what most of these texts are counted."""
    letters = "".join(texts)
    return "characters" if 2 * len(_HAN.findall(letters)) > sum(map(str.isalnum, letters)) else "words"


def counts(outputs: Sequence[Written], wanted: Sequence[Written], script: Script) -> NDArray[np.float64]:
    """What each text adds to the sums that `measured` takes, [texts, numbers]."""
    rows = [
        (*_statistics(o.text, references(w), script), 1.0, *weight(o))
        for o, w in zip(outputs, wanted, strict=True)
    ]
    return np.array(rows).reshape(len(rows), _COUNTS)


def measured(sums: NDArray[np.float64]) -> dict[str, float]:
    """bleu, from 0 to 100; rouge1, rouge2, rougeL and exact_match, from 0 to 1; and perplexity of the wanted
    texts, exp of the mean -ln p of a piece, where it is known."""
    *bleu, one, two, longest, match, texts, nats, pieces = sums.tolist()
    shares = {"rouge1": one, "rouge2": two, "rougeL": longest, "exact_match": match}
    means = {name: total / max(texts, 1.0) for name, total in shares.items()}
    return {"bleu": _bleu(bleu), **means, **perplexity(nats, pieces)}


def perplexity(nats: float, pieces: float) -> dict[str, float]:
    """exp of the mean -ln p of a piece; nothing where no text was weighed."""
    return {"perplexity": math.exp(min(700.0, nats / pieces))} if pieces else {}


def weight(output: Written) -> tuple[float, float]:
    """-ln p of the wanted text, and its pieces; 0 of both where it was not weighed."""
    return (output.nats, float(output.pieces)) if isinstance(output, Weighed) else (0.0, 0.0)


def references(wanted: Written) -> tuple[str, ...]:
    """All texts that are right."""
    return wanted.every if isinstance(wanted, Wanted) else (wanted.text,)


def is_match(text: str, wanted: Written) -> bool:
    """Whether it is one of the references, but for white space that cannot be seen: at the ends, and how much
    there is within a line after its indentation."""
    return _plain(text) in map(_plain, references(wanted))


def rouge_l(text: str, wanted: Written, script: Script) -> float:
    """ROUGE-L's F measure, from 0 to 1; of several references the best."""
    return _statistics(text, references(wanted), script)[-2]


def _plain(text: str) -> str:
    return "\n".join(re.sub(r"(?<=\S)\s+", " ", line.rstrip()) for line in text.strip().split("\n"))


@lru_cache(maxsize=_KEPT)
def _statistics(text: str, wanted: tuple[str, ...], script: Script) -> tuple[float, ...]:
    """BLEU's hits and counts by order, lengths of both sides; rouge1, rouge2, rougeL; exact match."""
    bleu = _sacrebleu(script).sentence_score(text, list(wanted))
    best = _rouge(script).score_multi(list(wanted), text)
    rouge = (best[name].fmeasure for name in ("rouge1", "rouge2", "rougeL"))
    match = is_match(text, Wanted(wanted[0], wanted[1:]))
    return (*bleu.counts, *bleu.totals, bleu.sys_len, bleu.ref_len, *rouge, float(match))


def _bleu(sums: Sequence[float]) -> float:
    from sacrebleu.metrics.bleu import BLEU

    numbers = [int(n) for n in sums]
    hits, counts = numbers[:_ORDERS], numbers[_ORDERS : 2 * _ORDERS]
    return float(BLEU.compute_bleu(hits, counts, numbers[-2], numbers[-1], smooth_method="exp").score)


@cache
def _sacrebleu(script: Script) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="zh" if script == "characters" else "13a", effective_order=True)


@cache
def _rouge(script: Script) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    tokenizer = _Characters() if script == "characters" else None
    return RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=tokenizer)


class _Characters:
    """Each Chinese character by itself, and other words as they are."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(rf"{_HAN.pattern}|[^\W_]+?(?={_HAN.pattern}|\W|_|$)", text.lower())
