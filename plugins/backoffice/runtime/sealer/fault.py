"""What keeps the sealer from signing."""

from __future__ import annotations


class SealerFault(Exception):
    """The sealer must not sign, and people have to act; the message says what is wrong and what to do."""
