"""The named checks of a verification, what each proves, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# In the order in which they are told.
CHECKS = {
    "leaf": "each record has the bytes whose hash was recorded; a body that is gone was purged lawfully",
    "content": "kind, subject, number and moment beside a record are those that its bytes say",
    "index": "places in the tree are dense; each record has exactly one place or waits for one",
    "counter": "each subject counts its records from 1 without a gap, in the order of writing",
    "root": "the tree over all records has, at the size of every checkpoint, the root that was signed",
    "blocks": "what is kept to make proofs quickly is what the records give",
    "signature": "each checkpoint is signed by a key that the one before vouches for, and continues it",
    "time": "checkpoints follow each other in time, and no record is younger than its seal or backdated",
    "seal record": "each checkpoint stands in the log itself, as the last record that it covers",
    "anchor": "the checkpoints laid down outside the ledger are all in the log, with the same roots",
    "completeness": "what the ledger's tables say happened is on record, and what is on record happened",
    "fresh": "nothing waits too long for its seal, and the sealer is there",
    "restore": "checkpoints given up by a restore that two people recorded are listed, and no others excused",
}

# What no verification can see without the means that it names.
NEEDS_ANCHOR = (
    "everything rewritten and signed with the stolen key",
    "the database rolled back to an older state",
    "the last checkpoint deleted, with the records that tell of it",
)
NEEDS_KEY = "everything rewritten and signed with another key"
NEVER_SEEN = (
    "records cut from the end of the unsealed tail that nothing else counts (calls to sources, alerts)",
)
MOST_TOLD = 20  # of each check; the rest are counted

OK, FAILED, NOT_EXAMINED = "ok", "failed", "not examined"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where.

    :param check: Name of the check that found it.
    :param what: What is wrong, in a sentence.
    """

    check: str
    what: str
    record_id: int | None = None
    subject: str | None = None
    n: int | None = None
    leaf: int | None = None
    seal_no: int | None = None

    def where(self) -> str:
        """Return the place in words."""
        parts = (
            ("seal", self.seal_no),
            ("leaf", self.leaf),
            ("record", self.record_id),
            ("subject", self.subject),
            ("n", self.n),
        )
        return ", ".join(f"{name} {value}" for name, value in parts if value is not None)


@dataclass(frozen=True)
class CheckResult:
    """What became of one check.

    :param state: ``ok``, ``failed`` or ``not examined``.
    :param count: How many things are wrong; the first of them are in ``findings``.
    :param notes: What else should be said.
    """

    check: str
    state: str
    count: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """The outcome of a verification.

    :param full: Whether every record was read; otherwise only those after ``since``.
    :param records: Records read.
    :param size: Records that the newest checkpoint covers.
    :param checkpoint: Size and short root of the newest checkpoint, as people see it.
    :param root: Its root in hex.
    :param results: One per check.
    :param unseen: Attacks that this verification could not have seen.
    """

    full: bool
    records: int
    size: int
    checkpoint: str | None
    root: str | None
    results: tuple[CheckResult, ...]
    unseen: tuple[str, ...]
    since: str | None = None
    origin: str | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether no check failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the names of the checks that failed."""
        return tuple(result.check for result in self.results if result.state == FAILED)

    def as_dict(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        return {"ok": self.ok, "failed": list(self.failed), **asdict(self)}


@dataclass
class Findings:
    """Collects what is found, in bounded memory."""

    _kept: dict[str, list[Finding]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _notes: dict[str, list[str]] = field(default_factory=dict)
    _left_out: dict[str, str] = field(default_factory=dict)

    def add(self, check: str, what: str, **where: Any) -> None:
        """Note that something is wrong; ``where`` are fields of ``Finding``."""
        self.take(Finding(check, what, **where))

    def take(self, *findings: Finding) -> None:
        """Note findings that somebody else made."""
        for finding in findings:
            self._counts[finding.check] = self._counts.get(finding.check, 0) + 1
            kept = self._kept.setdefault(finding.check, [])
            if len(kept) < MOST_TOLD:
                kept.append(finding)

    def note(self, check: str, text: str) -> None:
        """Say something about a check that is no fault."""
        self._notes.setdefault(check, []).append(text)

    def leave_out(self, check: str, why: str) -> None:
        """Say that a check was not made."""
        self._left_out[check] = why

    def count(self, check: str) -> int:
        """Return how many faults a check found."""
        return self._counts.get(check, 0)

    def results(self) -> tuple[CheckResult, ...]:
        """Return the outcome of every check."""
        return tuple(self._result(check) for check in CHECKS)

    def _result(self, check: str) -> CheckResult:
        notes = tuple(self._notes.get(check, ()))
        if self._counts.get(check):
            return CheckResult(check, FAILED, self._counts[check], tuple(self._kept[check]), notes)
        if check in self._left_out:
            return CheckResult(check, NOT_EXAMINED, notes=(self._left_out[check], *notes))
        return CheckResult(check, OK, notes=notes)


def lines(verification: Verification) -> Sequence[str]:
    """Return the outcome as people read it, one line each."""
    read = "all" if verification.full else f"after checkpoint {verification.since}"
    told = [
        f"log {verification.origin or 'without a checkpoint yet'}: {verification.records:,} records read "
        f"({read}), {verification.size:,} sealed, checkpoint {verification.checkpoint or 'none'}"
    ]
    for result in verification.results:
        told += _result_lines(result)
    told += [f"cannot be seen: {attack}" for attack in verification.unseen]
    told.append(
        f"good ({verification.seconds:.1f} s)"
        if verification.ok
        else f"FAILED: {', '.join(verification.failed)} ({verification.seconds:.1f} s)"
    )
    return told


def _result_lines(result: CheckResult) -> list[str]:
    head = f"{result.state if result.state != FAILED else 'FAILED':<13}{result.check:<14}"
    if result.state == FAILED:
        told = [f"{head}{result.count:,} found"]
        told += [
            f"{'':<13}{finding.what}" + (f" [{finding.where()}]" if finding.where() else "")
            for finding in result.findings
        ]
        if result.count > len(result.findings):
            told.append(f"{'':<13}and {result.count - len(result.findings):,} more")
    else:
        told = [head + (CHECKS[result.check] if result.state == OK else result.notes[0])]
    notes = result.notes[1:] if result.state == NOT_EXAMINED else result.notes
    return told + [f"{'':<13}{note}" for note in notes]
