"""What is done with open cases: their priority by policy, and the chain of those that nobody decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.domain.decision_table import Money, Policy, load_policy
from backoffice.domain.decision_table.columns import ColumnDecisions, column_of, decide_columns
from backoffice.exceptions import ConfigurationError

if TYPE_CHECKING:
    from backoffice.operators.ledger_step import Connection

POLICY_ID = "case_priority"
PRIORITIES = {"urgent": 1, "high": 2, "normal": 3, "low": 4}

_DUE = """
SELECT EXISTS (SELECT FROM review.case_due d WHERE d.process = %(process)s)
    OR EXISTS (SELECT FROM (SELECT x.entity, ops.business_date(x.entity) AS today FROM ops.entity x
                           OFFSET 0) e
                 JOIN review.case c ON c.entity = e.entity AND c.process = %(process)s
                  AND c.state IN ('open', 'half_decided')
                WHERE (c.prioritised_on IS NULL OR c.prioritised_on < e.today OR c.prioritised_on > e.today)
                  AND EXISTS (SELECT FROM ledger.active_policy p WHERE p.policy_id = %(policy)s))
"""


def something_is_due(connection: Connection, process: str) -> bool:
    """Tell whether a case of the process is to be looked at."""
    row = connection.execute(_DUE, {"process": process, "policy": POLICY_ID}).fetchone()
    return bool(row and row[0])


def keep_cases(connection: Connection, run_id: int, process: str) -> dict[str, int]:
    """End claims and waits that lasted too long, remind, escalate, and look at priorities again.

    Decides nothing. A case that a person has in hand at this moment is left for the next call.
    """
    row = connection.execute(
        "SELECT expired, resumed, reminded, escalated FROM review.keep_cases(%s, %s)", (run_id, process)
    ).fetchone()
    found = dict(zip(("expired", "resumed", "reminded", "escalated"), row or (), strict=True))
    return {**found, "prioritised": prioritise_cases(connection, run_id, process)}


def prioritise_cases(connection: Connection, run_id: int | None, process: str) -> int:
    """Give each case whose facts or day changed its priority by policy; return how many got another.

    At most 20,000 at once: the next call goes on.

    Without an active version of the policy every case keeps the priority it has.
    """
    row = connection.execute(
        "SELECT content FROM ledger.active_policy WHERE policy_id = %s", (POLICY_ID,)
    ).fetchone()
    if row is None:
        return 0
    policy = load_policy(row[0], source=f"active version of {POLICY_ID}")
    currency = _currency(policy)
    rows = connection.execute(
        "SELECT case_id, days_until_due, days_open, blocks_posting, escalated, amount "
        "FROM review.priority_input(%s, %s)",
        (process, currency),
    ).fetchall()
    return _record(connection, run_id, policy, rows) if rows else 0


def _currency(policy: Policy) -> str:
    """Return the currency in which the policy knows amounts; none when it does not look at them."""
    amount = policy.inputs.get("amount")
    return (amount.currency if amount else None) or ""


def _record(
    connection: Connection, run_id: int | None, policy: Policy, rows: list[tuple[object, ...]]
) -> int:
    cases, due, days, blocks, escalated, amounts = (list(column) for column in zip(*rows, strict=True))
    currency = _currency(policy)
    given: dict[str, list[object]] = {
        "days_until_due": due,
        "days_open": days,
        "blocks_posting": blocks,
        "escalated": escalated,
        "amount": [None if amount is None else Money(amount, currency) for amount in amounts],
    }
    decided = decide_columns(
        policy,
        {name: column_of(policy.inputs[name], given[name]) for name in given if name in policy.inputs},
    )
    told = [_told(decided, row) for row in range(len(rows))]
    answer = connection.execute(
        "SELECT review.record_priorities(%s, %s, %s::bigint[], %s::integer[], %s::text[], %s::text[])",
        (
            run_id,
            policy.sha256,
            cases,
            [one[0] for one in told],
            [one[1] for one in told],
            [one[2] for one in told],
        ),
    ).fetchone()
    return int(answer[0]) if answer else 0


def _told(decided: ColumnDecisions, row: int) -> tuple[int, str, str]:
    """Return priority, rule and reason of one row."""
    policy, place = decided.policy, int(decided.rule[row])
    names = list(policy.outcomes)
    outcome = names[int(decided.outcome[row])]
    if outcome not in PRIORITIES:
        raise ConfigurationError(
            f"policy {POLICY_ID} has the outcome {outcome!r}; a priority is one of {', '.join(PRIORITIES)}"
        )
    if place < 0:
        return PRIORITIES[outcome], "default", policy.default_why
    rule = policy.rules[place]
    return PRIORITIES[outcome], rule.rule_id, rule.why
