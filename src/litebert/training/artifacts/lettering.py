"""How names of labels and tasks are written in a picture: in fonts that have their letters, or by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

OWN = "DejaVu Sans"
"""What matplotlib brings: Latin, Greek, Cyrillic and more, but no Chinese."""
CHINESE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Hiragino Sans GB", "Arial Unicode MS"),
    *("Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Serif CJK SC", "Source Han Serif SC", "SimSun"),
    *("Songti SC", "STHeiti", "Microsoft JhengHei", "AR PL UMing CN", "AR PL UKai CN", "Droid Sans Fallback"),
)
"""Fonts with Chinese letters, one of which many systems have."""


def fonts() -> list[str]:
    """Those that are installed, for matplotlib, which takes each letter from the first that has it."""
    return list(_files())


def drawable(names: Iterable[str]) -> bool:
    """Whether `fonts` have every letter of them."""
    from matplotlib.font_manager import get_font

    missing = {ord(letter) for name in names for letter in name}
    for file in _files().values():
        if missing:
            missing -= get_font(file).get_charmap().keys()
    return not missing


def literal(name: str) -> str:
    """A name as matplotlib draws it: a dollar sign would begin a formula."""
    return name.replace("$", r"\$")


def numbered(names: Sequence[str]) -> list[str]:
    """Numbers in their place, from 1."""
    return [str(number) for number in range(1, len(names) + 1)]


def _files() -> dict[str, str]:
    """The file of each font that there is."""
    from matplotlib.font_manager import fontManager

    there = {font.name: font.fname for font in reversed(fontManager.ttflist)}
    return {name: there[name] for name in (OWN, *CHINESE) if name in there}
