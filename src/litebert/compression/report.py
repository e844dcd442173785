"""What a person reads: the table of before and after, and the model card that has it."""

from __future__ import annotations

from collections.abc import Iterator

from litebert.compression.figures import Compressed
from litebert.training.artifacts.card import escape


def table(found: Compressed) -> str:
    """Markdown, which is also what the terminal shows."""
    rows = ["| | before | after | |", "|---|--:|--:|--:|"]
    rows += [f"| {name} | {before} | {after} | {ratio} |" for name, before, after, ratio in _rows(found)]
    return "\n".join(rows)


def card(found: Compressed, name: str, task: str) -> str:
    """`README.md`."""
    did = "\n".join(f"- {escape(one)}" for one in found.did)
    return (
        f"---\nlibrary_name: litebert\ntags:\n- litebert\n- albert\n- {task}\n---\n\n"
        f"# {escape(name)}\n\n"
        f"Made of {escape(found.model)} by `litebert compress`.\n\n"
        f"## What was done\n\n{did}\n\n"
        f"## What came of it\n\n{table(found)}\n\n"
        f"{found.changed:.1%} of the answers are other ones than before. Speed and memory are of the machine "
        "on which it was made, both models taking turns.\n\n"
        "## Limits\n\n"
        "- The figures hold for data like those it was judged on; on other data, judge it again. Where a "
        "bound was given, these data also chose what goes: the measure on them is a little too good.\n"
        "- What was taken out was chosen by texts of one kind; on other kinds more may be lost.\n"
    )


def _rows(found: Compressed) -> Iterator[tuple[str, str, str, str]]:
    a, b = found.before, found.after
    yield "weights, MB", f"{a.bytes / 1e6:.2f}", f"{b.bytes / 1e6:.2f}", _times(b.bytes, a.bytes)
    yield "parameters", f"{a.parameters:,}", f"{b.parameters:,}", _times(b.parameters, a.parameters)
    fast = (a.sequences_per_second, b.sequences_per_second)
    yield "texts a second", f"{fast[0]:.0f}", f"{fast[1]:.0f}", _times(fast[1], fast[0])
    yield (
        "one text, ms",
        f"{a.milliseconds:.1f}",
        f"{b.milliseconds:.1f}",
        _times(b.milliseconds, a.milliseconds),
    )
    memory = (a.peak_memory_mb, b.peak_memory_mb)
    yield "memory, MB", f"{memory[0]:.0f}", f"{memory[1]:.0f}", _times(memory[1], memory[0])
    if a.measure is not None and b.measure is not None:
        yield escape(found.measure), f"{a.measure:.4f}", f"{b.measure:.4f}", f"{b.measure - a.measure:+.4f}"


def _times(one: float, other: float) -> str:
    return f"× {one / other:.2f}" if other else ""
