"""Objectives: `(model, batch) -> (loss, parts)`, what a batch costs. There is one loop. One file each."""
