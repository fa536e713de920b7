"""What is done with open cases: their priority by policy, and the chain of those that nobody decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.domain.decision_table import Money, Policy, load_policy
from backoffice.domain.decision_table.columns import column_of, decide_columns
from backoffice.settings import sql

if TYPE_CHECKING:
    from backoffice.operators.ledger_step import Connection

POLICY_ID = "case_priority"


def something_is_due(connection: Connection, process: str) -> bool:
    """Tell whether a case of the process is to be looked at."""
    row = connection.execute(
        sql("review/look_for_due_cases"), {"process": process, "policy": POLICY_ID}
    ).fetchone()
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
        "SELECT case_id, days_until_due, days_until_discount, days_open, blocks_posting, escalated, amount "
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
    cases, due, discount, days, blocks, escalated, amounts = (
        list(column) for column in zip(*rows, strict=True)
    )
    currency = _currency(policy)
    given: dict[str, list[object]] = {
        "days_until_due": due,
        "days_until_discount": discount,
        "days_open": days,
        "blocks_posting": blocks,
        "escalated": escalated,
        "amount": [None if amount is None else Money(amount, currency) for amount in amounts],
    }
    decided = decide_columns(
        policy,
        {name: column_of(policy.inputs[name], given[name]) for name in given if name in policy.inputs},
    )
    rules = [_rule(policy, place) for place in decided.rule.tolist()]
    answer = connection.execute(
        "SELECT review.record_priorities(%s, %s, %s::bigint[], %s::text[])",
        (run_id, policy.sha256, cases, rules),
    ).fetchone()
    return int(answer[0]) if answer else 0


def _rule(policy: Policy, place: int) -> str:
    """Return the name of a rule by its place; below zero the default."""
    return "default" if place < 0 else policy.rules[place].rule_id
