"""Ways to change the texts that are learnt from. One file is one, by its name in `--augment NAME=RATE`.

A file has `make(setting, ground)`: what it needs of the run is worked out once, and what it gives changes the
text of any example: `(number, draw) -> Change`. Whatever it draws, it draws from `draw`, which is a function
of (seed, epoch, example): so a run that goes on sees the texts that it would have seen.
"""

shared = frozenset({"augmentation", "augmented", "cutting"})
"""The files that hold what they share and are none themselves."""
