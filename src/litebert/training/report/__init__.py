"""What a person sees of a run: each file is a way of looking on, a generator that passes events through.

`fit(..., watch=[...])` puts them around the run. A file here gives a function that returns a `Watcher`.
"""
