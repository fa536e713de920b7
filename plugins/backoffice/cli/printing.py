"""What the commands print of other people's words."""

from __future__ import annotations


def printable(text: str) -> str:
    """Replace control characters, so that nobody's words can drive the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
