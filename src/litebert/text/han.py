"""Chinese characters."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""All of them, for a class in a regular expression."""


def gb2312_level_1() -> str:
    """The 3,755 commonest simplified characters, by the Chinese standard of 1980, in its order."""
    rows = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 56) for cell in range(1, 95))
    return b"".join(rows).decode("gb2312", errors="ignore")
