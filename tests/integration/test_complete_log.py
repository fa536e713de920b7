"""Nothing happens without a record: two sandbox nights with an outage and people's answers, counted on both sides."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import requests
from tests.answering import answer_all
from tests.integration.conftest import ANCHOR, PASSWORD, USER
from tests.night import run_night

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.merkle import leaf_hash

pytestmark = pytest.mark.integration

# what the ledger holds, and how many records must speak of it
COUNTED = {
    "runs": ("SELECT count(*) FROM ops.run", "path", "step", "run opened"),
    "loads": ("SELECT count(*) FROM intake.load WHERE state = 'accepted'", "path", "step", "load accepted"),
    "machine decisions": ("SELECT count(*) FROM ledger.decision WHERE maker = 'machine'", "decision", None, None),
    "answers": ("SELECT count(*) FROM review.answer", "human", None, None),
    "answers booked": ("SELECT count(*) FROM review.answer WHERE booked_at IS NOT NULL", "path", "step", "answer booked"),
    "entries": ("SELECT count(*) FROM ledger.journal_entry", "effect", "effect", "journal entry"),
    "cases": ('SELECT count(*) FROM review."case"', "path", "step", "case opened"),
    "sent": ("SELECT count(*) FROM ops.outbox WHERE sent_at IS NOT NULL", "effect", "effect", "sent"),
    "policies": ("SELECT count(*) FROM ledger.policy_version", "policy", "step", "activated by the owner"),
}  # fmt: skip


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox company as the product does, with its log-in."""
    answer = requests.request(
        "GET" if body is None else "POST", url + path, json=body, auth=(USER, PASSWORD), timeout=30
    )
    answer.raise_for_status()
    return answer.json()


@pytest.fixture
def worked(company: Any, ledger: Any, business_day: Any) -> str:
    """Two nights; in the first the warehouse is down; between them people answer every case. The company's address."""
    _, _, url = company(7, 120, "realistic")
    ask(url, "/admin/outage", {"service": "warehouse", "mode": "down"})
    run_night("first")
    ask(url, "/admin/outage", {"service": "warehouse", "mode": "none"})
    with ledger.connect("web") as web:
        assert answer_all(web) > 0
    business_day(ANCHOR + timedelta(days=3))
    run_night("second")
    return str(url)


def test_nothing_is_without_its_record(worked: str, ledger: Any) -> None:
    served = {
        call: number
        for call, number in ask(worked, "/admin/requests")["calls"].items()
        if not call.split(" ")[1].startswith("/admin/")
    }
    with ledger.connect("auditor") as connection:
        records = [
            (kind, json.loads(bytes(body)))
            for kind, body in connection.execute("SELECT kind, body FROM audit.record")
        ]
        found = {name: connection.execute(counted[0]).fetchone()[0] for name, counted in COUNTED.items()}
    told = {
        name: sum(
            1 for kind, body in records if kind == wanted and (field is None or body.get(field) == value)
        )
        for name, (_, wanted, field, value) in COUNTED.items()
    }
    assert told == found
    assert found["answers booked"] > 0
    calls = Counter(
        f"{body['method']} /{body['url'].partition(':')[2].partition('?')[0].lstrip('/')}"
        for kind, body in records
        if kind == "api_call"
    )
    assert calls == served
    assert any(body["status"] == "503" for kind, body in records if kind == "api_call")

    each_decision_has_one_record_and_each_payment_its_own(ledger)
    every_record_is_canonical_counted_and_hashed(ledger)


def each_decision_has_one_record_and_each_payment_its_own(ledger: Any) -> None:
    """A decision is named by its record, of people by both answers of two; a proposal by an effect of its invoice."""
    with ledger.connect("auditor") as connection:
        decisions = connection.execute(
            "SELECT d.decision_id::text, count(r.record_id) FROM ledger.decision d LEFT JOIN audit.record r "
            "ON r.subject = CASE d.subject_kind WHEN 'invoice' THEN 'invoice:' ELSE 'document:' END || d.subject_key AND convert_from(r.body, 'UTF8')::json ->> 'decision_id' = d.decision_id::text "
            "AND r.kind = CASE d.maker WHEN 'machine' THEN 'decision' ELSE 'human' END GROUP BY 1"
        ).fetchall()
        unproposed = connection.execute(
            "SELECT p.proposal_id FROM ledger.payment_proposal p JOIN purchasing.invoice i USING (invoice_id) WHERE NOT EXISTS ("
            "SELECT FROM audit.record r WHERE r.kind = 'effect' AND r.subject = 'invoice:' || encode(i.content_hash, 'hex') "
            "AND convert_from(r.body, 'UTF8')::json ->> 'effect' LIKE 'payment proposed%')"
        ).fetchall()
    assert decisions
    assert [one for one in decisions if one[1] < 1] == []
    assert unproposed == []


def every_record_is_canonical_counted_and_hashed(ledger: Any) -> None:
    """One form of bytes, one hash, no number twice or skipped."""
    with ledger.connect("auditor") as connection:
        rows = connection.execute(
            "SELECT subject, n, body, leaf FROM audit.record ORDER BY subject, n"
        ).fetchall()
    assert [one[2] for one in rows if canonical_bytes(json.loads(bytes(one[2]))) != bytes(one[2])] == []
    assert all(leaf_hash(bytes(body)) == bytes(leaf) for _, _, body, leaf in rows)
    counted = Counter(subject for subject, *_ in rows)
    assert all(n <= counted[subject] for subject, n, *_ in rows)
    assert len({(subject, n) for subject, n, *_ in rows}) == len(rows)
