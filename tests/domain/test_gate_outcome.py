"""Two counts of the same rows: the load goes on only where both are there and agree."""

from __future__ import annotations

import pytest

from backoffice.domain.expectation_suite import Check, Suite
from backoffice.domain.gate_outcome import Judged, suite_outcome


def outcome(severity, judged, selected, condition="x IS NULL"):
    check = Check(
        "missing", "expect_column_values_to_not_be_null", {}, severity, "X is missing.", "x", condition
    )
    suite = Suite("orders", "", (check,), "sha")
    return suite_outcome(
        suite, 9, {"missing": judged} if judged else {}, {} if selected is None else {"missing": selected}
    )


@pytest.mark.parametrize(
    ("severity", "judged", "selected", "problem"),
    [
        ("quarantine", Judged(True, 0), 0, None),
        ("quarantine", Judged(False, 3), 3, None),
        ("warn", Judged(False, 3), 3, None),
        ("stop", Judged(True, 0), 0, None),
        ("stop", Judged(False, 3), 3, "X is missing. (found: 3 rows)"),
        ("warn", Judged(False, 3), 2, "counts 3 rows, the ledger 2"),
        ("quarantine", Judged(True, 0), 1, "counts 0 rows, the ledger 1"),
        ("quarantine", Judged(False, 3), None, "counts 3 rows, the ledger None"),
        ("quarantine", Judged(True, 3), 3, "counts 3 rows, the ledger 3"),
        ("quarantine", Judged(False, 0), 0, "counts 0 rows, the ledger 0"),
        ("quarantine", Judged(None), 0, "could not be judged"),
        ("quarantine", Judged(True, None), 0, "could not be judged"),
        ("quarantine", None, 0, "could not be judged"),
    ],
)
def test_row_check(severity, judged, selected, problem):
    problems = outcome(severity, judged, selected).problems()
    assert len(problems) == (problem is not None)
    assert all("orders.missing" in one and problem in one for one in problems)


@pytest.mark.parametrize(
    ("severity", "judged", "problem"),
    [
        ("stop", Judged(True, observed=5), None),
        ("stop", Judged(False, observed=0.25), "(found: 0.25)"),
        ("warn", Judged(False, observed=0.25), None),
        ("warn", Judged(None), "could not be judged"),
    ],
)
def test_check_of_the_load_as_a_whole(severity, judged, problem):
    problems = outcome(severity, judged, None, condition=None).problems()
    assert len(problems) == (problem is not None)
    assert all(problem in one for one in problems)


def test_kept_with_the_load():
    assert outcome("quarantine", Judged(False, 3), 3).as_json() == {
        "suite": "orders",
        "sha256": "sha",
        "rows": 9,
        "checks": [
            {
                "check_id": "missing",
                "expectation": "expect_column_values_to_not_be_null",
                "severity": "quarantine",
                "field": "x",
                "met": False,
                "unexpected": 3,
                "selected": 3,
                "observed": None,
            }
        ],
    }
