"""What a gate decides from two independent counts of the same rows.

Great Expectations judges and counts; the ledger selects by a condition of our own and counts too. Both must
agree, check by check, before anything is recorded: a check whose two halves have drifted apart decides
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backoffice.domain.expectation_suite import Check, Suite


@dataclass(frozen=True)
class Judged:
    """Great Expectations' word on one check.

    :param met: Whether the expectation is met; None where it could not be judged.
    :param unexpected: Number of rows that do not meet it; None where the load as a whole is judged.
    :param observed: The count or share that was observed on the load as a whole.
    """

    met: bool | None
    unexpected: int | None = None
    observed: float | None = None


@dataclass(frozen=True)
class CheckOutcome:
    """One check with both counts.

    ``selected`` is the ledger's count, None where the load as a whole is judged.
    """

    check: Check
    judged: Judged
    selected: int | None

    @property
    def unjudged(self) -> bool:
        """Whether Great Expectations gave no usable verdict."""
        return self.judged.met is None or (self.check.by_row and self.judged.unexpected is None)

    @property
    def counts_differ(self) -> bool:
        """Whether the two counts of the same rows disagree, or verdict and count contradict each other."""
        if self.unjudged or not self.check.by_row:
            return False
        return self.judged.unexpected != self.selected or self.judged.met != (self.judged.unexpected == 0)

    @property
    def stops(self) -> bool:
        """Whether the load may not go on because of this check."""
        return self.check.severity == "stop" and self.judged.met is False

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as it is kept with the load: counts, never a value of a row."""
        return {
            "check_id": self.check.check_id,
            "expectation": self.check.expectation,
            "severity": self.check.severity,
            "field": self.check.field,
            "met": self.judged.met,
            "unexpected": self.judged.unexpected,
            "selected": self.selected,
            "observed": self.judged.observed,
        }


@dataclass(frozen=True)
class SuiteOutcome:
    """All checks of one suite on one load."""

    suite: Suite
    rows: int
    checks: tuple[CheckOutcome, ...]

    def problems(self) -> list[str]:
        """Name, in plain words, every reason for which the load may not go on."""
        said = []
        for outcome in self.checks:
            label = f"{self.suite.name}.{outcome.check.check_id}"
            if outcome.unjudged:
                said.append(f"{label} could not be judged")
            elif outcome.counts_differ:
                said.append(
                    f"{label}: Great Expectations counts {outcome.judged.unexpected} rows, the ledger "
                    f"{outcome.selected}: the expectation and its condition do not say the same"
                )
            elif outcome.stops:
                measured = (
                    outcome.judged.observed
                    if outcome.judged.unexpected is None
                    else f"{outcome.judged.unexpected} rows"
                )
                said.append(f"{label}: {outcome.check.reason} (found: {measured})")
        return said

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as it is kept with the load."""
        return {
            "suite": self.suite.name,
            "sha256": self.suite.sha256,
            "rows": self.rows,
            "checks": [outcome.as_json() for outcome in self.checks],
        }


def suite_outcome(
    suite: Suite, rows: int, judged: Mapping[str, Judged], selected: Mapping[str, int]
) -> SuiteOutcome:
    """Bring both counts of each check together.

    A check that is missing on either side counts as not judged.
    """
    unknown = Judged(met=None)
    outcomes = (
        CheckOutcome(check, judged.get(check.check_id, unknown), selected.get(check.check_id))
        for check in suite.checks
    )
    return SuiteOutcome(suite, rows, tuple(outcomes))
