"""What is looked for. One file is one check, found by its name: add a file with one subclass of `Check`."""

shared = frozenset({"rows_seen"})
"""The files that hold what checks share and are none themselves."""
