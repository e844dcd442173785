"""Counts rounded up to a few values: kernels and runtimes prepare themselves anew for each shape."""

from __future__ import annotations


def rounded(count: int, *, steps: int, least: int) -> int:
    """The next of a few numbers: `steps` to each doubling, all of them multiples of `least`.

    >>> [rounded(n, steps=8, least=32) for n in (3, 450, 6000)]
    [32, 480, 6144]
    """
    grain = max(least, (1 << max(count, 1).bit_length() - 1) // steps)
    return -(-count // grain) * grain
