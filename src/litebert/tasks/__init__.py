"""What the encoder knows → answers. One file is one task.

To add one, write a file here with two frozen dataclasses, its Input and its Output (`Record`), and a final
frozen dataclass, a subclass of `Task`, with a short method for each of the questions that `Task` lists.
`litebert train --task FILE` finds it by the file's name.
"""

shared = frozenset(
    {
        "answer_head",
        "answers",
        "as_json",
        "candidates",
        "crf",
        "decoding",
        "defaults",
        "gaps",
        "heads",
        "labels",
        "lexical",
        "metrics",
        "naming",
        "of_head",
        "one_label",
        "options",
        "passages",
        "places",
        "rewording",
        "span_cells",
        "spans",
        "tags",
        "task",
        "texts",
        "vectors",
        "word_pieces",
        "word_tags",
        "words",
        "writing",
        "written",
    }
)
"""The files that hold what tasks share and are none themselves."""
