"""Changes of what people may, the way the pages make them: through the two functions that backoffice_web may call."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from tests.answering import sealed

_keys = itertools.count(1)
Connection = psycopg.Connection[Any]


def key() -> str:
    """Return an idempotency key that nobody used."""
    return f"access-{next(_keys):08}"


def propose(
    web: Connection, user: str, kind: str, act: str, row: Mapping[str, Any], **changed: Any
) -> dict[str, Any]:
    """Propose a change; ``changed`` replaces single arguments."""
    given = {"system": "airflow", "user": user, "kind": kind, "act": act, "row": Jsonb(dict(row)), "reason": "as agreed", "key": key(), **changed}  # fmt: skip
    given.setdefault("sealed", sealed(web, given["system"], given["user"], given["reason"]))
    found = web.execute(
        "SELECT review.propose_access_change(%(system)s, %(user)s, %(kind)s, %(act)s, %(row)s, %(reason)s, %(key)s, %(sealed)s)",
        given,
    ).fetchone()
    assert found is not None
    return found[0]


def answer(
    web: Connection, user: str, change: Mapping[str, Any], act: str = "approve", **changed: Any
) -> dict[str, Any]:
    """Approve, refuse or withdraw a change as it was shown."""
    given = {"system": "airflow", "user": user, "change": change["change_id"], "act": act, "shown": change["shown_sha256"], "reason": "looked at it", "key": key(), **changed}  # fmt: skip
    given.setdefault("sealed", sealed(web, given["system"], given["user"], given["reason"]))
    found = web.execute(
        "SELECT review.answer_access_change(%(system)s, %(user)s, %(change)s, %(act)s, %(shown)s, %(reason)s, %(key)s, %(sealed)s)",
        given,
    ).fetchone()
    assert found is not None
    return found[0]


def carry(web: Connection, kind: str, act: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Let two administrators make a change."""
    return answer(web, "manager", propose(web, "admin", kind, act, row))
