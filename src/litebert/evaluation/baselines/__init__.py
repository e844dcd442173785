"""What a model must beat: simple answers, worked out of the same training data. One file each.

A file has `TASKS`, the names of the tasks that it is for, and `answers(task, train, given)`: an Output for
each Input, by a fitted task and the examples to learn from. `baseline.py` finds and judges them.
"""
