"""Decide by written policy what becomes of each invoice."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backoffice.domain.decision_table import Money, Policy, load_policy
from backoffice.exceptions import ConfigurationError
from backoffice.operators.ledger_step import LedgerStepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection

POLICY_ID = "approve_invoice"
BATCH = 5_000
INPUTS = (
    "match_state",
    "gross_amount",
    "receipt",
    "sources_delivered",
    "business_days_waited",
    "days_until_due",
)


class DecideInvoicesOperator(LedgerStepOperator):
    """Decide every open invoice by the active version of ``approve_invoice``: approve, wait or review.

    Reads match state, amount, what was delivered, days waited and due date from the ledger; writes one
    decision per invoice with rule, policy version, evidence hash and the reason why no earlier rule hit.
    Books nothing: the act functions check each decision again. A decision that says nothing new is not
    repeated, so retry, clear and rerun change nothing.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Decide what is open."""
        return decide_open_invoices(connection, run_id)


def active_policy(connection: Connection, policy_id: str) -> Policy:
    """Return the active version from the ledger; a file that is not active decides nothing."""
    row = connection.execute(
        "SELECT content FROM ledger.active_policy WHERE policy_id = %s",
        (policy_id,),
    ).fetchone()
    if row is None:
        raise ConfigurationError(
            f"policy {policy_id} has no active version; run `backoffice migrate` or activate one"
        )
    return load_policy(row[0], source=f"active version of {policy_id}")


def decide_open_invoices(connection: Connection, run_id: int) -> dict[str, Any]:
    """Decide all open invoices of the ledger in batches; return how many decisions are new, by outcome."""
    policy = active_policy(connection, POLICY_ID)
    recorded = 0
    outcomes: dict[str, int] = {}
    with connection.cursor(name="decision_input") as cursor:
        cursor.execute(
            f"SELECT invoice_id, currency, {', '.join(INPUTS)} "
            "FROM ledger.decision_input(%s) ORDER BY invoice_id",
            (run_id,),
        )
        while rows := cursor.fetchmany(BATCH):
            recorded += _record(connection, run_id, policy, rows, outcomes)
    return {"recorded": recorded, **outcomes}


def _record(
    connection: Connection, run_id: int, policy: Policy, rows: list[tuple[Any, ...]], outcomes: dict[str, int]
) -> int:
    decided = []
    for invoice_id, currency, *values in rows:
        inputs = dict(zip(INPUTS, values, strict=True))
        inputs["gross_amount"] = Money(inputs["gross_amount"], currency)
        decision = policy.decide(inputs)
        outcomes[decision.outcome] = outcomes.get(decision.outcome, 0) + 1
        explanation = {
            "why": decision.why,
            "why_not": decision.why_not,
            "inputs": {name: _spelled(value) for name, value in inputs.items()},
            "not_yet": decision.not_yet,
        }
        decided.append(
            (invoice_id, decision.outcome, decision.rule, json.dumps(explanation, ensure_ascii=False))
        )
    invoice_ids, results, rules, explanations = (list(column) for column in zip(*decided, strict=True))
    row = connection.execute(
        "SELECT ledger.record_machine_decisions"
        "(%s, %s, %s, %s::bigint[], %s::text[], %s::text[], %s::jsonb[])",
        (run_id, policy.policy_id, policy.sha256, invoice_ids, results, rules, explanations),
    ).fetchone()
    return int(row[0]) if row else 0


def _spelled(value: object) -> object:
    if isinstance(value, Money):
        return f"{_spelled(value.amount)} {value.currency}"
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
