"""litebert: ALBERT, whole and working."""
