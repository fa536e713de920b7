"""Decide by written policy what becomes of each invoice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from backoffice.domain.decision_record import given, reasons
from backoffice.domain.decision_table import Policy, UnknownInput, load_policy
from backoffice.exceptions import ConfigurationError
from backoffice.operators.ledger_step import LedgerStepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection

POLICY_ID = "approve_invoice"
# the ledger records one batch while the next is decided: a small one first, so that it soon begins
FIRST_BATCH, BATCH = 5_000, 25_000


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
    """Return the active version from the ledger; a file that is not active decides nothing.

    :raises ConfigurationError: No version is active: none is entered, none has begun, or the last one has
        ended. Nothing is decided then, and every document stays as it is.
    """
    row = connection.execute(
        "SELECT content FROM ledger.active_policy WHERE policy_id = %s",
        (policy_id,),
    ).fetchone()
    if row is None:
        raise ConfigurationError(
            f"policy {policy_id} has no active version; {_why_none(connection, policy_id)}. "
            "Nothing is decided and every document stays as it is until then."
        )
    return load_policy(row[0], source=f"active version of {policy_id}")


def _why_none(connection: Connection, policy_id: str) -> str:
    """Return which version decided until when, which is to come, and what to do."""
    rows = connection.execute(
        "SELECT v.version, s.state, v.effective_from, v.effective_to, ledger.policy_day() "
        "FROM ledger.policy_version v JOIN ledger.policy_state s USING (policy_id, version) "
        "WHERE v.policy_id = %s AND s.state IN ('ended', 'approved') ORDER BY s.state DESC, v.effective_from",
        (policy_id,),
    ).fetchall()
    if not rows:
        return "none is entered: run `backoffice migrate` or activate one"
    said = [
        f"version {version} decided until {last}"
        if state == "ended"
        else f"version {version} begins on {first}"
        for version, state, first, last, _ in rows
    ]
    return (
        f"{', '.join(said)}, and today is {rows[0][4]}: propose one that decides today with "
        "`backoffice policy activate FILE`, and have it approved"
    )


def decide_open_invoices(connection: Connection, run_id: int) -> dict[str, Any]:
    """Decide all open invoices of the ledger in batches; return how many decisions are new, by outcome.

    While the ledger records one batch, the next one is decided.
    """
    policy = active_policy(connection, POLICY_ID)
    outcomes: Counter[str] = Counter()
    recorded = 0
    with connection.cursor(name="decision_input") as cursor, ThreadPoolExecutor(1) as recorder:
        cursor.execute("SELECT invoice_id, inputs FROM ledger.decision_input(%s)", (run_id,))
        rows = cursor.fetchmany(FIRST_BATCH)
        recording: Future[int] | None = None
        while rows:
            batch = _decide(policy, rows)
            outcomes.update(batch.outcomes)
            recorded += recording.result() if recording else 0
            # one connection, one speaker: what is decided next is fetched before the recording begins
            rows = cursor.fetchmany(BATCH)
            recording = recorder.submit(_record, connection, run_id, policy, batch)
        recorded += recording.result() if recording else 0
    return {"recorded": recorded, **outcomes}


@dataclass(frozen=True)
class _Decided:
    """Decisions of one batch, column by column."""

    invoices: list[int]
    outcomes: list[str]
    rules: list[str]
    reasons: list[str]


def _decide(policy: Policy, rows: list[tuple[int, str]]) -> _Decided:
    """Decide each invoice on its inputs as the ledger spells them.

    :raises ConfigurationError: The ledger knows something for which the policy has no input.
    """
    try:
        decided = [policy.decide(given(orjson.loads(inputs))) for _, inputs in rows]
    except UnknownInput as unknown:
        raise ConfigurationError(
            f"{unknown}. Nothing is decided; activate a version that declares what the ledger gives"
        ) from unknown
    return _Decided(
        [invoice_id for invoice_id, _ in rows],
        [one.outcome for one in decided],
        [one.rule for one in decided],
        [orjson.dumps(reasons(one), option=orjson.OPT_SORT_KEYS).decode() for one in decided],
    )


def _record(connection: Connection, run_id: int, policy: Policy, batch: _Decided) -> int:
    """Record one batch; what was decided on is read again by the ledger itself."""
    row = connection.execute(
        "SELECT ledger.record_machine_decisions"
        "(%s, %s, %s, %b::bigint[], %b::text[], %b::text[], %b::text[])",
        (
            run_id,
            policy.policy_id,
            policy.sha256,
            batch.invoices,
            batch.outcomes,
            batch.rules,
            batch.reasons,
        ),
    ).fetchone()
    return int(row[0]) if row else 0
