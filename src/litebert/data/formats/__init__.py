"""The formats of data files. One file is one format.

To add one, write a file here with `suffixes`, the ends of file names that mean it, and `read(file, known)`:
a `Table` of the open file. `known` tells whether a cell is the name of a column that somebody looks for,
for formats in which a first row of names is no more than a custom.
"""

shared = frozenset({"table", "delimited"})
"""The files that hold what formats share and are none themselves."""
