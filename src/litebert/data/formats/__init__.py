"""The formats of data files. One file is one format.

To add one, write a file here with `suffixes`, the ends of file names that mean it, and `read(file, known)`:
a `Table` of the open file. `known` tells whether a cell is the name of a column that somebody looks for,
for formats in which a first row of names is no more than a custom.

A format that files of any name may have also has `begins(start)`: whether a file's first text is of it. It is
asked for the tasks that name the format (`Task.formats`). One that only they read has no suffixes.
"""

shared = frozenset({"table", "delimited"})
"""The files that hold what formats share and are none themselves."""
