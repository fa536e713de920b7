"""Which open case ``make demo`` shows: one that one person may decide alone, parked where there is any."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backoffice.runtime.demo_report import open_case, report_count, run_report

pytestmark = pytest.mark.integration


def add_case(
    ledger: Any, code: str, effect: str, amount: str = "100", currency: str = "EUR", **extra: Any
) -> int:
    """Write a case with one hold as the superuser, past the keys that a whole night would fill."""
    action = {
        "action": "accept",
        "needs_second_person": extra.get("second", False),
        "reason_codes": ["approved"],
    }
    with ledger.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        (hold,) = connection.execute(
            "INSERT INTO ledger.hold (invoice_id, code, effect, facts, evidence_hash, rule_sha256, opened_run) "
            "VALUES ((SELECT count(*) FROM ledger.hold) + 1, %s, %s, '{}', 'x', 'x', 1) RETURNING hold_id",
            (code, effect),
        ).fetchone()
        (case,) = connection.execute(
            'INSERT INTO review."case" (process, subject_kind, subject_id, subject_key, role, entity, title, amount, '
            "currency, state, evidence_hash, handover) VALUES ('invoice_reconciliation', 'invoice', %s, 'k', "
            "'ap_clerk', 'E', 't', %s, %s, %s, 'x', %s) RETURNING case_id",
            (hold, amount, currency, extra.get("state", "open"), json.dumps({"actions": [action]})),
        ).fetchone()
        connection.execute(
            "INSERT INTO review.case_item (case_id, item_no, hold_id, code) VALUES (%s, 1, %s, %s)",
            (case, hold, code),
        )
    return int(case)


def test_a_parked_case_for_one_person_comes_first(ledger: Any) -> None:
    dsn = ledger.dsn("auditor")
    assert open_case(dsn) is None
    add_case(ledger, "PRICE", "P", amount="1")
    add_case(ledger, "DUP_EXACT", "B", second=True)
    add_case(ledger, "DUP_EXACT", "B", state="settled")
    add_case(ledger, "PO_CLOSED", "B", amount="2")
    wanted = add_case(ledger, "DUP_EXACT", "B", amount="300")
    case = open_case(dsn)
    assert case is not None
    assert (case.case_id, case.parked, case.codes) == (wanted, True, ("DUP_EXACT",))
    assert (case.user, case.action, case.reason_code) == ("clerk", "accept", "approved")


def test_the_user_printed_has_the_limit_and_the_currency(ledger: Any) -> None:
    add_case(ledger, "DUP_EXACT", "B", amount="10", currency="CHF")
    assert (case := open_case(ledger.dsn("auditor"))) is not None
    assert case.user is None
    add_case(ledger, "PRICE", "P", amount="99999")
    assert (case := open_case(ledger.dsn("auditor"))) is not None
    assert (case.user, case.codes) == ("manager", ("PRICE",))


def test_a_run_without_a_report_has_none(ledger: Any) -> None:
    dsn = ledger.dsn("auditor")
    assert report_count(dsn, "invoice_reconciliation") == 0
    assert run_report(dsn, "invoice_reconciliation", "r1") is None
