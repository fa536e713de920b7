"""How one part of the back office stands, as a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "warn", "bad"]


@dataclass(frozen=True)
class Sign:
    """How one part stands.

    :param told: What is so, in a sentence.
    :param remedy: What to do where it is not well.
    """

    name: str
    level: Level
    told: str
    remedy: str = ""
