"""`README.md` of a run: the model card, in the order people ask (arXiv 1810.03993)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litebert import durable


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric with its interval."""

    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % bootstrap interval, if there is one."""

    def __str__(self) -> str:
        between = "" if self.low is None or self.high is None else f" ({self.low:.4f} to {self.high:.4f})"
        return f"{self.value:.4f}{between}"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model card says. Texts may hold anything: they are escaped."""

    name: str
    what: str
    """One or two sentences: what goes in, what comes out, what it is made of."""
    task: str
    languages: Sequence[str] = ()
    """ISO codes, for the hub."""
    data: Mapping[str, str]
    """Each data set by its part: train, dev, …"""
    judged_on: str
    """On which data the metrics were measured, and how many examples."""
    metrics: Mapping[str, Measured]
    settings: Mapping[str, str]
    limits: Sequence[str]
    """What it is not good for, and what has not been tested; one sentence each."""
    use: str
    """Python that loads it and asks something."""
    labels: Sequence[str] = field(default=())
    exits: Mapping[str, str] = field(default_factory=dict)
    """By the share of layers that are worked out, what is kept on dev."""


def write_card(path: Path, card: Card) -> None:
    """Writes the card as Markdown, with the header that model hubs read."""
    durable.replace(path, markdown(card).encode())


def write_cards(path: Path, name: str, what: str, cards: Mapping[str, Card]) -> None:
    """Writes one card of several tasks on one encoder, with a section for each by its name."""
    sections = [
        section
        for task, card in cards.items()
        for section in (f"## {escape(task)}", escape(card.what), *_sections(card, "###"))
    ]
    settings = next(iter(cards.values())).settings
    parts = [
        _header([card.task for card in cards.values()], languages=()),
        f"# {escape(name)}",
        escape(what),
        *sections,
        *_trained(settings),
    ]
    durable.replace(path, ("\n\n".join(parts) + "\n").encode())


def markdown(card: Card) -> str:
    """A model card as Hugging Face's hub reads it, with a header in YAML."""
    parts = [
        _header([card.task], card.languages),
        f"# {escape(card.name)}",
        escape(card.what),
        *_sections(card, "##"),
        *_trained(card.settings),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(card: Card, level: str) -> list[str]:
    """What there is to say of one task. level: the mark of its headings."""
    return [
        *([f"Labels: {', '.join(f'`{_code(label)}`' for label in card.labels)}."] if card.labels else []),
        f"{level} How to use it",
        f"{_fence(card.use)}python\n{card.use.strip()}\n{_fence(card.use)}",
        f"{level} How good it is",
        f"Measured on {escape(card.judged_on)}; in brackets, 95 % bootstrap intervals.",
        _table("Metric", "Value", {name: str(value) for name, value in card.metrics.items()}),
        *(_exits(card.exits, level) if card.exits else []),
        f"{level} What it was trained on",
        _table("Part", "Data", card.data),
        f"{level} Limits",
        "\n".join(f"- {escape(limit)}" for limit in card.limits),
    ]


def _exits(rows: Mapping[str, str], level: str) -> list[str]:
    said = (
        "A text of which it is sure may leave after some of the layers: `--quality Q` below 1 takes the "
        "fewest with which at least that share of the measure was kept on dev."
    )
    return [f"{level} Leaving early", said, _table("Layers worked out", "On dev", rows)]


def _trained(settings: Mapping[str, str]) -> list[str]:
    return ["## How it was trained", _table("Setting", "Value", settings)]


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]|#":
        plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(tasks: Sequence[str], languages: Sequence[str]) -> str:
    listed = "language:\n" + "".join(f"- {language}\n" for language in languages) if languages else ""
    tags = "\n".join(f"- {tag}" for tag in ("litebert", "albert", *dict.fromkeys(tasks)))
    return f"---\nlibrary_name: litebert\n{listed}tags:\n{tags}\n---"


def _table(left: str, right: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {escape(name)} | {escape(value)} |" for name, value in rows.items()]
    return "\n".join([f"| {left} | {right} |", "|---|---|", *lines])


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _fence(code: str) -> str:
    """Longer than any run of backquotes in the code."""
    fence = "```"
    while fence in code:
        fence += "`"
    return fence
