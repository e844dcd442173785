"""A document as it was found → its paragraphs, clean; what went is counted."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile

from litebert.data.corpus.documents import Document
from litebert.data.corpus.markup import read_html, read_wiki
from litebert.data.corpus.paragraphs import are_wrapped, join
from litebert.data.corpus.settings import Form

_LINE_ENDS = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\uffff\U0001fffe\U0001ffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
"""Characters that print nothing or mean nothing: control, zero width, direction, variants, private, not
assigned."""

_EMPTY_BRACKETS = re.compile(r"[（(][\s,，、;；:：/]*[)）]")
_AFTER_BRACKET = re.compile(r"([（(])[\s,，、;；:：]+")
_BEFORE_STOP = re.compile(" ([,.;:!?])(?= |$)")
_EMPHASIS = re.compile(r"(?<!\w)_([^\s_](?:[^_\n]{0,198}[^\s_])?)_(?!\w)")

_GUTENBERG_STARTS = re.compile(
    r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK|\*END\*? ?THE SMALL PRINT"
)
_GUTENBERG_ENDS = re.compile(
    r"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK|End of (?:The |the )?Project Gutenberg"
)
_GUTENBERG_CREDITS = re.compile(r"(?:Produced|Transcribed|E-?text prepared) by\b")
_BOILERPLATE = re.compile(
    r"\[(?:Illustration|Transcriber)|Retrieved from \"?http"
    r"|(?:Category|分类|分類)\s*[:：]|This (?:page|article) was last (?:edited|modified)"
    r"|本页面最后|本頁面最後"
)
_LETTER = re.compile(r"[^\W\d_]")
_WIKI_HEADING = re.compile(r"[^\s.,;:!?，。；：！？]+(?: [^\s.,;:!?，。；：！？]+){0,3}\.")
"""At most four words and a full stop: what WikiExtractor makes of a section's heading."""


def clean(document: Document, form: Form) -> tuple[list[str], Counter[str]]:
    """The paragraphs, without markup, invisible characters and boilerplate, and how many lines went for
    what."""
    removed: Counter[str] = Counter()
    text = _LINE_ENDS.sub("\n", "".join(document.lines).replace("\r\n", "\n"))
    text = _UNSEEN.sub("", read_wiki(read_html(_UNSEEN.sub("", text))))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    if any("GUTENBERG" in line for line in lines):
        lines = _book(lines, removed)
    # Wikipedia writes a paragraph on a line; its lists of short lines are no wrapped prose.
    wrapped = form != "wiki" and are_wrapped(lines)
    if form == "wiki":
        lines = _without_headings(lines, html.unescape(document.title), removed)
    lines = list(_worth_reading(lines, removed))
    return [text for line in join(lines, wrapped=wrapped) if (text := _mend(line))], +removed


def _book(lines: list[str], removed: Counter[str]) -> list[str]:
    """A Project Gutenberg book between its header and its licence."""
    starts = [at for at, line in enumerate(lines) if _GUTENBERG_STARTS.match(line)]
    first = starts[-1] + 1 if starts else 0
    first += sum(1 for _ in takewhile(lambda line: not line or _GUTENBERG_CREDITS.match(line), lines[first:]))
    last = next((at for at in range(first, len(lines)) if _GUTENBERG_ENDS.match(lines[at])), len(lines))
    removed["Project Gutenberg header or licence"] += sum(map(bool, lines[:first] + lines[last:]))
    return lines[first:last]


def _without_headings(lines: list[str], title: str, removed: Counter[str]) -> list[str]:
    """Without the title, where it stands first, and the sections' headings."""
    first = next((at for at, line in enumerate(lines) if line), len(lines))
    if lines[first : first + 1] == [title]:
        removed["title"] += 1
        lines[first] = ""
    kept = ["" if _WIKI_HEADING.fullmatch(line) else line for line in lines]
    removed["heading"] += sum(map(bool, lines)) - sum(map(bool, kept))
    return kept


def _worth_reading(lines: list[str], removed: Counter[str]) -> Iterator[str]:
    """Lines with words in them; an empty one stays in the place of each of the others."""
    for line in lines:
        reason = ""
        if line and _BOILERPLATE.match(line):
            reason = "boilerplate"
        elif line and not _LETTER.search(line):
            reason = "no letters"
        if reason:
            removed[reason] += 1
        yield "" if reason else line


def _mend(line: str) -> str:
    """What taking something out leaves behind: empty brackets, a space before a stop. Also `_emphasis_`."""
    if "(" in line or "（" in line:
        line = _AFTER_BRACKET.sub(r"\1", _EMPTY_BRACKETS.sub("", line))
    if "_" in line:
        line = _EMPHASIS.sub(r"\1", line)
    return " ".join(_BEFORE_STOP.sub(r"\1", line).split())
