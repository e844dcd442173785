"""What litebert does when asked: one file for each verb, the same for the command line and for Python.

A verb is a frozen dataclass: its fields are the flags and the keyword arguments, and its docstring is the
help. `run()` does the work and returns what was made; `main()` is for the command line: it prints, and
returns the exit code. Importing a verb must not import torch.
"""
