"""HTML and wiki markup → the text in it. Every step takes time linear in the text, whatever the text."""

from __future__ import annotations

import html
import re

_BLOCK = (
    "address|article|aside|blockquote|br|caption|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|"
    "header|hr|li|main|nav|noscript|ol|option|p|pre|section|select|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|body|button|cite|code|data|del|dfn|em|font|head|html|i|iframe|img|input|ins|kbd|"
    "label|link|mark|meta|nowiki|object|param|picture|poem|q|ref|references|rp|rt|ruby|s|samp|small|source|span|"
    "strike|strong|sub|sup|svg|time|tt|u|var|video|wbr|includeonly|noinclude|onlyinclude"
)
_TAG = re.compile(rf"</?(?:(?P<block>{_BLOCK})|{_INLINE})(?:[\s/][^<>]*)?>", re.IGNORECASE)
_UNREAD = (
    (re.compile("<!--"), re.compile("-->")),
    (re.compile(r"<script\b", re.IGNORECASE), re.compile(r"</script\s*>", re.IGNORECASE)),
    (re.compile(r"<style\b", re.IGNORECASE), re.compile(r"</style\s*>", re.IGNORECASE)),
    (re.compile(r"<math\b", re.IGNORECASE), re.compile(r"</math\s*>", re.IGNORECASE)),
    (re.compile(r"<ref\b[^<>/]*>", re.IGNORECASE), re.compile(r"</ref\s*>", re.IGNORECASE)),
)
"""What opens and closes a stretch that nobody reads."""

_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_TABLE = re.compile(r"\{\|[^{}]*\|\}")
_FILE = re.compile(
    r"\[\[(?:file|image|category|文件|档案|檔案|图像|圖像|分类|分類)\s*:[^\[\]]*\]\]", re.IGNORECASE
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_OUTER_LINK = re.compile(r"\[(?:https?|ftp)://[^\s\[\]]*(?:[ \t]+([^\[\]\n]*))?\]", re.IGNORECASE)
_QUOTES = re.compile(r"'{2,5}")
_HEADING = re.compile(r"^(={2,6})[ \t]*([^=\n]*[^=\s])[ \t]*\1[ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\b(?:formula|codice)_\d+\b")
_NESTED = 4
"""How deep templates and links are taken out of one another."""


def read_html(text: str) -> str:
    """Entities become characters; tags, comments, scripts and styles go. A block's tag ends a line.

    Only the tags that HTML has are tags: `a < b`, `<stdio.h>` and `List<String>` stay as they are.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" not in text:
        return text
    for opening, closing in _UNREAD:
        text = _cut(text, opening, closing)
    return _TAG.sub(lambda tag: "\n" if tag["block"] else "", text)


def read_wiki(text: str) -> str:
    """Links become their words; templates, tables, files and categories go, and what WikiExtractor leaves."""
    if "{{" in text or "{|" in text:
        text = _innermost(_TABLE, "", _innermost(_TEMPLATE, "", text))
    if "[[" in text:
        text = _innermost(_LINK, r"\1", _FILE.sub("", text))
    if "://" in text and "[" in text:
        text = _OUTER_LINK.sub(lambda link: link[1] or "", text)
    if "''" in text:
        text = _QUOTES.sub("", text)
    if "==" in text:
        text = _HEADING.sub(r"\2", text)
    return _PLACEHOLDER.sub("", text) if "_" in text else text


def _innermost(pattern: re.Pattern[str], new: str, text: str) -> str:
    for _ in range(_NESTED):
        text, count = pattern.subn(new, text)
        if not count:
            break
    return text


def _cut(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Without the stretches from an opening to the next closing. An opening that is never closed stays."""
    kept: list[str] = []
    at = 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        kept.append(text[at : start.start()])
        at = end.end()
    return "".join([*kept, text[at:]])
