"""WikiText-2: good articles of Wikipedia (Merity et al., arXiv 1609.07843), to fill gaps in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from litebert.data.example import Example, Examples, Place
from litebert.data.files import File
from litebert.data.source import Source, data_file
from litebert.tasks.fill_mask import HIDE, Cloze, Filled, FillMask


def _paragraphs(name: str) -> Callable[[], Examples[Cloze, Filled]]:
    """Every paragraph, without the headings."""

    def read() -> Examples[Cloze, Filled]:
        path = data_file(f"wikitext2_en/{name}.txt")
        with closing(File(path)) as file:
            rows = [
                Example(Cloze(text.strip(), hide=HIDE), Filled(), Place(path, line))
                for line, text in file.lines()
                if text.strip() and not text.startswith(" =")
            ]
        return Examples(rows, FillMask())

    return read


two = Source(
    FillMask(),
    {"dev": _paragraphs("valid"), "test": _paragraphs("test")},
    "WikiText-2: paragraphs of Wikipedia, 15 % of their pieces hidden",
)
