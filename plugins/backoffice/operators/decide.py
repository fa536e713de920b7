"""Decide by written policy what becomes of each invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from backoffice.domain.decision_record import given, reasons
from backoffice.domain.decision_table import Policy, load_policy
from backoffice.exceptions import ConfigurationError
from backoffice.operators.ledger_step import LedgerStepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection

POLICY_ID = "approve_invoice"
BATCH = 20_000


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
        cursor.execute("SELECT invoice_id, inputs FROM ledger.decision_input(%s)", (run_id,))
        while rows := cursor.fetchmany(BATCH):
            recorded += _record(connection, run_id, policy, rows, outcomes)
    return {"recorded": recorded, **outcomes}


def _record(
    connection: Connection, run_id: int, policy: Policy, rows: list[tuple[int, str]], outcomes: dict[str, int]
) -> int:
    """Decide one batch and record it: what is decided on is read again by the ledger itself."""
    results, rules, explanations = [], [], []
    for _, inputs in rows:
        decision = policy.decide(given(orjson.loads(inputs)))
        outcomes[decision.outcome] = outcomes.get(decision.outcome, 0) + 1
        results.append(decision.outcome)
        rules.append(decision.rule)
        explanations.append(orjson.dumps(reasons(decision), option=orjson.OPT_SORT_KEYS).decode())
    row = connection.execute(
        "SELECT ledger.record_machine_decisions"
        "(%s, %s, %s, %b::bigint[], %b::text[], %b::text[], %b::text[])",
        (run_id, policy.policy_id, policy.sha256, [one for one, _ in rows], results, rules, explanations),
    ).fetchone()
    return int(row[0]) if row else 0
