"""Changes of policies the way the pages make them: through the four functions that backoffice_web may call."""

from __future__ import annotations

import itertools
import re
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from tests.answering import sealed

from backoffice import settings
from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_table import Kind, examine_policy, load_policy
from backoffice.domain.policy_impact import replay
from backoffice.web.policies import impact_of

SHIPPED = (settings.include_dir() / "policies" / "invoice_reconciliation" / "approve_invoice.yaml").read_text(
    encoding="utf-8"
)
# the version that an installation has, and the ones after it
INSTALLED = load_policy(SHIPPED).version
NEXT, SECOND, THIRD = (INSTALLED + steps for steps in (1, 2, 3))
_keys = itertools.count(1)
Connection = psycopg.Connection[Any]


def version(number: int, text: str = SHIPPED) -> str:
    """Return a text as another version."""
    return re.sub(r"(?m)^version: .*$", f"version: {number}", text)


def limited(number: int, limit: str, text: str = SHIPPED) -> str:
    """Return the shipped text as another version with another limit, where it says it: as limit, in the rule, in the examples."""
    return (
        version(number, text)
        .replace("100000.00", limit)
        .replace("100000.01", f"{Decimal(limit) + Decimal('0.01')}")
    )


def with_examples(text: str) -> str:
    """Return a text whose examples expect what its rules decide: only such a text can be used."""
    outcomes = ("approve", "wait", "review")
    for _ in outcomes:
        lines = text.splitlines()
        for one in examine_policy(text).findings:
            if one.kind is Kind.EXAMPLE and one.line:
                other = outcomes[(outcomes.index(one.value) + 1) % len(outcomes)]
                lines[one.line] = f"    expect: {other}"
        text = "\n".join(lines) + "\n"
    return text


def key() -> str:
    """Return an idempotency key that nobody used."""
    return f"change-{next(_keys):08}"


def propose(connection: Connection, user: str, text: str, **changed: Any) -> dict[str, Any]:
    """Propose a text; ``changed`` replaces single arguments. Nothing was decided yet unless an impact is given."""
    given = {"system": "airflow", "user": user, "content": text, "reason": "as discussed", "effective": None, "impact": None, "key": key(), **changed}  # fmt: skip
    if given["impact"] is None:
        given["impact"] = canonical_bytes(replay(load_policy(text), [])).decode()
    return _one(
        connection,
        "SELECT review.propose_policy(%(system)s, %(user)s, %(content)s, %(reason)s, %(effective)s, %(impact)s, %(key)s, %(sealed)s)",
        given,
    )


def approve(connection: Connection, proposal: dict[str, Any], user: str, **changed: Any) -> dict[str, Any]:
    """Approve a proposal on the impact that it came with."""
    given = {"id": proposal["proposal_id"], "system": "airflow", "user": user, "reason": "tested", "impact": proposal["impact_sha256"], "key": key(), **changed}  # fmt: skip
    return _one(
        connection,
        "SELECT review.approve_policy(%(id)s, %(system)s, %(user)s, %(reason)s, %(impact)s, %(key)s, %(sealed)s)",
        given,
    )


def end(
    connection: Connection, proposal: dict[str, Any], how: str, user: str, **changed: Any
) -> dict[str, Any]:
    """Refuse or withdraw a proposal."""
    given = {"id": proposal["proposal_id"], "system": "airflow", "user": user, "reason": "no longer", "key": key(), **changed}  # fmt: skip
    return _one(
        connection,
        f"SELECT review.{how}_policy(%(id)s, %(system)s, %(user)s, %(reason)s, %(key)s, %(sealed)s)",
        given,
    )


def change(connection: Connection, text: str, effective: date | None = None) -> dict[str, Any]:
    """Have the clerk propose a text on what is recorded, and the manager approve it."""
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        impact = canonical_bytes(impact_of(cursor, load_policy(text))).decode()  # type: ignore[arg-type]
    return approve(
        connection, propose(connection, "clerk", text, impact=impact, effective=effective), "manager"
    )


def _one(connection: Connection, statement: str, values: dict[str, Any]) -> dict[str, Any]:
    """Perform an act in one transaction, as the pages do: the person's words come with their encrypted form."""
    with connection.transaction():
        if "sealed" not in values:
            values["sealed"] = sealed(connection, values["system"], values["user"], values["reason"])
        row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]
