"""A whole night over the sandbox company ends as planted, for several seeds and both mixes."""

from __future__ import annotations

import pytest
from tests.night import run_night

pytestmark = pytest.mark.integration

OUTCOMES = """
SELECT encode(i.content_hash, 'hex'), d.outcome FROM purchasing.invoice i
JOIN LATERAL (SELECT x.outcome FROM ledger.decision x WHERE x.subject_kind = 'invoice' AND x.subject_id = i.invoice_id ORDER BY x.decision_id DESC LIMIT 1) d ON true
UNION ALL SELECT encode(q.content_hash, 'hex'), 'quarantined' FROM intake.quarantine q WHERE q.dataset = 'invoices'
"""
CODES = """
SELECT encode(i.content_hash, 'hex'), l.line_id, h.code FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id)
LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id WHERE h.released_at IS NULL
"""


@pytest.mark.parametrize(
    ("seed", "size", "mix"),
    [(7, 120, "realistic"), (1, 300, "realistic"), (2, 300, "clean"), (11, 300, "realistic")],
)
def test_outcome_and_labels_agree_on_every_line(ledger, company, seed, size, mix):
    invented, _, _ = company(seed, size, mix)
    results = run_night(f"night-{seed}")
    failed = {task: str(result) for task, result in results.items() if isinstance(result, BaseException)}
    assert failed == {}
    with ledger.connect("auditor") as connection:
        outcomes = dict(connection.execute(OUTCOMES).fetchall())
        codes: dict[tuple[str, str | None], set[str]] = {}
        for sha, line, code in connection.execute(CODES):
            codes.setdefault((sha, line), set()).add(code)
    wrong = []
    for label in invented.labels:
        if (
            label.line is None
            and label.expected_outcome != "already_known"
            and outcomes.get(label.sha256) != label.expected_outcome
        ):
            wrong.append(
                (
                    label.invoice_number,
                    "outcome",
                    label.expected_outcome,
                    outcomes.get(label.sha256),
                    label.scenario,
                )
            )
        found = sorted(codes.get((label.sha256, label.line), set()))
        if label.expected_outcome not in {"quarantined", "already_known"} and found != list(
            label.expected_codes
        ):
            wrong.append(
                (label.invoice_number, label.line, list(label.expected_codes), found, label.scenario)
            )
    assert wrong == [], "\n".join(map(str, wrong))
