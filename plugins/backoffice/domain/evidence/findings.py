"""What a check of a pack found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Findings:
    """Collects while the checks go on; nothing that is wrong ends them early.

    :param broken: What is not as it must be, a line each.
    :param waiting: Numbers of the records that no checkpoint covers yet.
    :param notes: What whoever relies on the pack should know.
    """

    broken: list[str] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def at(self, record: int, what: str) -> None:
        """A record is not as it must be."""
        self.add(f"broken at record {record}: {what}")

    def file(self, name: str, what: str) -> None:
        """A file is not as it must be; where it is that of a record, the record is named."""
        folder, _, rest = name.partition("/")
        number = rest.partition(".")[0]
        if folder == "records" and number.isdigit():
            self.at(int(number), what)
        else:
            self.add(f"broken: file {name}: {what}")

    def add(self, line: str) -> None:
        """Something is broken."""
        if line not in self.broken:
            self.broken.append(line)

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """While this is read: what is of no form that can be read is broken, whatever it is."""
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            self.file(name, f"it cannot be read ({type(error).__name__}: {error})")
