"""Tables of several seeds."""

from __future__ import annotations

import math

from litebert.recipes.over_seeds import cell, table


def test_an_interval_is_students() -> None:
    assert cell([0.5]) == "50.0"
    assert cell([0.5, 0.6, 0.7]) == f"60.0 ± {100 * 4.302653 * 0.1 / math.sqrt(3):.1f}"
    assert cell([0.5, math.nan]) == "–"


def test_a_row_has_a_cell_for_each_measure() -> None:
    lines = list(table("help", {"nothing": [{"accuracy": 0.5}], "swap": [{"accuracy": 0.25}]}))
    assert lines == ["| help | accuracy |", "|---|--:|", "| nothing | 50.0 |", "| swap | 25.0 |"]
