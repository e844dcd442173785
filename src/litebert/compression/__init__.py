"""Models made smaller: one file for each way, with `apply(subject, how, seen)`, and what they share.

A way gives another subject and leaves the one that it was given as it was.
"""

shared = (
    *("asked", "compress", "elimination", "figures", "grounds", "moments"),
    *("recipe", "recovery", "report", "subject"),
)
"""Files here that are no way."""

WAYS = ("vocabulary", "heads", "units", "embedding", "rank", "sparsity")
"""In the order in which they are gone: each is given what the one before has left."""
