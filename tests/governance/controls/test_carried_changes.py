"""What two people carried is in order, what the owner changed is a notice; answers on behalf of others are examined."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.access import carry, propose
from tests.answering import decide, open_cases
from tests.governance.controls.conftest import Books

pytestmark = pytest.mark.integration


def found(night: Books, control: str) -> dict[str, set[str]]:
    """Exceptions and notices of a control."""
    result = night.examine()[control]
    return {
        "exceptions": {one.check for one in result.exceptions},
        "notices": {one.check for one in result.notices},
    }


def test_a_change_that_two_people_carried_is_no_notice(night: Books) -> None:
    before = found(night, "people_and_access")["notices"]
    with night.ledger.connect("web", autocommit=True) as web:
        carry(web, "person", "add", {"person_id": "p-new", "name": "Nora New"})
        carry(web, "identity", "add", {"person_id": "p-new", "user_id": "nora"})
        more = {"person_id": "p-new", "role": "ap_clerk", "amount_limit": "500.50", "currency": "EUR"}
        carry(web, "authority", "add", more)
        carry(web, "authority", "change", {**more, "variance_pct": "2.5"})
        rule = {"name": "two", "persons": 2, "of_persons": ["p-clerk", "p-manager"], "code": "DUP_EXACT"}
        carry(web, "quorum_rule", "add", rule)
        carry(web, "duty_rule", "change", {"duty": "receiver", "excluded": True})
        [(today,)] = night.ask("SELECT audit.today()")
        propose(web, "buyer", "absence", "add", {"person_id": "p-buyer", "to_day": str(today)})
        carry(web, "authority", "remove", more)
    assert found(night, "people_and_access") == {"exceptions": set(), "notices": before}
    assert found(night, "segregation_of_duties")["exceptions"] == set()
    night.as_owner(
        "UPDATE review.authority SET amount_limit = 1 WHERE person_id = 'p-clerk' AND role = 'ap_clerk'"
    )
    night.as_owner("DELETE FROM review.quorum_rule")
    assert found(night, "people_and_access")["notices"] == before | {
        "authority_changed",
        "deciding_rule_changed",
    }


def test_a_change_that_is_not_what_was_approved_is_a_notice(night: Books) -> None:
    with night.ledger.connect("web", autocommit=True) as web:
        carry(
            web,
            "authority",
            "add",
            {"person_id": "p-buyer", "role": "ap_clerk", "amount_limit": 5, "currency": "EUR"},
        )
    night.as_owner("UPDATE review.access_change SET after = after || '{\"amount_limit\": 6}'")
    assert "authority_changed" in found(night, "people_and_access")["notices"]


def test_an_answer_on_behalf_of_somebody_is_examined_by_both(night: Books) -> None:
    [(today,)] = night.ask("SELECT audit.today()")
    with night.ledger.connect("web", autocommit=True) as web:
        row = {"person_id": "p-buyer", "substitute_id": "p-clerk", "to_day": str(today + timedelta(days=9))}
        propose(web, "buyer", "substitute", "add", {**row, "when_absent": False})
        night.as_owner(
            "UPDATE review.case SET state = 'open', closed_at = NULL WHERE case_id = (SELECT min(c.case_id) FROM review.case c WHERE c.role = 'buyer' AND c.amount < 25000)"
        )
        case = next(one for one in open_cases(web) if one["role"] == "buyer")
        told = decide(web, case, "clerk", "reject", evidence=evidence(night, case["case_id"]))
        assert told["on_behalf_of"] == "Ben Buyer"
    assert found(night, "human_authority")["exceptions"] == set()
    night.as_owner("UPDATE review.answer SET acted_for = NULL, as_roles = NULL WHERE acted_for IS NOT NULL")
    assert found(night, "human_authority")["exceptions"] == {"no_authority"}


def evidence(night: Books, case_id: int) -> bytes:
    """What the case rests on now."""
    night.as_owner(
        "UPDATE review.case SET evidence_hash = review.invoice_evidence(subject_id, role) WHERE case_id = %s",
        case_id,
    )
    [(found_hash,)] = night.ask("SELECT evidence_hash FROM review.case WHERE case_id = %s", case_id)
    return bytes(found_hash)
