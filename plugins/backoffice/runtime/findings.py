"""A finding of ``backoffice doctor``: what was looked at, what was seen, what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    :param name: What was looked at.
    :param ok: Whether it is as it should be.
    :param seen: What was seen.
    :param advice: What to do, where it is not.
    """

    name: str
    ok: bool
    seen: str
    advice: str = ""


def good(name: str, seen: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(name, True, seen)


def bad(name: str, seen: str, advice: str) -> Finding:
    """Return a finding that needs doing."""
    return Finding(name, False, seen, advice)
