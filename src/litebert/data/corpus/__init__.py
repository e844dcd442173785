"""Text files → one memory-mapped file of pieces, with its sentences and documents, for pretraining.

    files ─plan─▶ slices ─documents─▶ text ─cleaning─▶ paragraphs ─sentences─▶ pieces ─parts─▶ ─merge─▶ Corpus

`plan.py` cuts the input into shards by its size alone; `parts.py` makes of each a part, a pure function of
the slice and the settings; `merge.py` drops the duplicates and puts the parts together in the order of the
input. So the same bytes come out whatever the number of workers, and whichever of them are killed on the way.
"""
