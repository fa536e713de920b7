"""People at work: answer open cases the way the review pages do, through the one function that may record an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.personal_data import encrypt

CLERK_LIMIT = 25_000
ACCEPTED = {
    "PRICE",
    "QTY_ORD",
    "QTY_REC",
    "TAX_TOTAL",
    "DUP_EXACT",
    "NO_RECEIPT",
    "LINE_UNMATCHED",
    "DUP_LIKELY",
    "APPROVAL",
}
OPEN_CASES = """
SELECT c.case_id, c.subject_key, c.subject_kind, c.role, c.amount, c.evidence_hash, c.title, c.handover -> 'document' ->> 'filename' AS filename,
       (SELECT array_agg(x.code) FROM review.case_item x WHERE x.case_id = c.case_id AND x.settled_at IS NULL) AS codes,
       (SELECT array_agg(a ->> 'action') FROM jsonb_array_elements(c.handover -> 'actions') AS a) AS actions
FROM review."case" c WHERE c.state = 'open' ORDER BY c.subject_key, c.role
"""
REASONS = {
    "accept": "agreed_with_supplier",
    "reject": "not_ordered",
    "ask_again": "unreadable",
    "read_again": "reader_corrected",
    "discard": "advertising",
}


def open_cases(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Return the open cases in an order that does not depend on ids."""
    cursor = connection.execute(OPEN_CASES)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def decide(
    connection: psycopg.Connection[Any], case: Mapping[str, Any], user: str, action: str, **changed: Any
) -> dict[str, Any]:
    """Answer one case as an Airflow user; ``changed`` replaces single arguments of ``review.decide_case``."""
    given = {
        "case": case["case_id"], "system": "airflow", "user": user, "action": action, "code": REASONS.get(action, "approved"), "reason": "looked at it",
        "evidence": case["evidence_hash"], "key": f"{case['subject_key'][:16]}/{case['role']}/{user}/{action}", **changed,
    }  # fmt: skip
    if "sealed" not in given:
        given["sealed"] = sealed(connection, given["system"], given["user"], given["reason"])
    row = connection.execute(
        "SELECT review.decide_case(%(case)s, %(system)s, %(user)s, %(action)s, %(code)s, %(reason)s, %(evidence)s, %(key)s, %(sealed)s)",
        given,
    ).fetchone()
    assert row is not None
    return row[0]


def sealed(connection: psycopg.Connection[Any], system: str, user: str, reason: str | None) -> str:
    """Return log-in and reason encrypted under the person's key, as the review pages do."""
    row = connection.execute("SELECT subject, key FROM vault.writing_key(%s, %s)", (system, user)).fetchone()
    assert row is not None
    said = canonical_bytes({"principal": f"{system}:{user}", "reason": reason}).decode()
    return encrypt(row[1], row[0], said)


def answer_all(web: psycopg.Connection[Any]) -> int:
    """Answer every open case once, each by somebody who may: most holds accepted, the rest rejected; commit each answer."""
    cases = open_cases(web)
    for case in cases:
        for user in people_for(case):
            decide(web, case, user, action_for(case))
            web.commit()
    return len(cases)


def people_for(case: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who answers: one person within the limit, two where a document is discarded."""
    if action_for(case) == "discard":
        return ("clerk", "manager")
    if case["role"] == "ap_manager" or (case["amount"] or 0) > CLERK_LIMIT:
        return ("manager",)
    return ("clerk",) if case["role"] == "ap_clerk" else ("buyer",)


def action_for(case: Mapping[str, Any]) -> str:
    """Return the answer: by file name for what could not be read, by code for what is held."""
    if case["subject_kind"] == "quarantine":
        name = case["filename"] or ""
        return "discard" if "advert" in name else "read_again" if "again" in name else "ask_again"
    return "accept" if set(case["codes"]) <= ACCEPTED and "accept" in case["actions"] else "reject"
