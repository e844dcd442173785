"""Models for other runtimes: one file for each format, with `PRECISIONS` and `save(folder, padded, …)`."""

shared = (
    "agreement",
    "export",
    "heads",
    "lowering",
    "operators",
    "padded",
    "parts",
    "quantised",
    "sample",
    "traced",
)
"""Files here that are no format."""
