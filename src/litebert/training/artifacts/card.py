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


def markdown(card: Card) -> str:
    parts = [
        _header(card),
        f"# {escape(card.name)}",
        escape(card.what),
        *([f"Labels: {', '.join(f'`{_code(label)}`' for label in card.labels)}."] if card.labels else []),
        "## How to use it",
        f"{_fence(card.use)}python\n{card.use.strip()}\n{_fence(card.use)}",
        "## How good it is",
        f"Measured on {escape(card.judged_on)}; in brackets, 95 % bootstrap intervals.",
        _table("Metric", "Value", {name: str(value) for name, value in card.metrics.items()}),
        *(_exits(card.exits) if card.exits else []),
        "## What it was trained on",
        _table("Part", "Data", card.data),
        "## Limits",
        "\n".join(f"- {escape(limit)}" for limit in card.limits),
        "## How it was trained",
        _table("Setting", "Value", card.settings),
    ]
    return "\n\n".join(parts) + "\n"


def _exits(rows: Mapping[str, str]) -> list[str]:
    said = (
        "A text of which it is sure may leave after some of the layers: `--quality Q` below 1 takes the "
        "fewest with which at least that share of the measure was kept on dev."
    )
    return ["## Leaving early", said, _table("Layers worked out", "On dev", rows)]


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]|#":
        plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(card: Card) -> str:
    languages = "".join(f"- {language}\n" for language in card.languages)
    listed = f"language:\n{languages}" if languages else ""
    return f"---\nlibrary_name: litebert\n{listed}tags:\n- litebert\n- albert\n- {card.task}\n---"


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
