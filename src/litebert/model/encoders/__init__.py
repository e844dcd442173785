"""Encoders: modules `(batch, reads) -> Hidden`, made of the bricks in `blocks.py`. One file each."""
