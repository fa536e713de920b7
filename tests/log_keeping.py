"""Log keepers at work, through the functions that the pages call: record a restore, replace a lost key."""

from __future__ import annotations

import itertools
from typing import Any

from tests.answering import sealed
from tests.conftest import Ledger

from backoffice.domain.checkpoint import VerifyingKey, read_note

_number = itertools.count(1)
FIRST, SECOND = "manager", "admin"


def propose_restore(ledger: Ledger, note: str, user: str = FIRST) -> dict[str, Any]:
    """Let one log keeper say that a checkpoint was given up."""
    checkpoint = read_note(note)[0]
    return _act(
        ledger,
        "SELECT audit.propose_restore('airflow', %(user)s, %(note)s, %(size)s, %(root)s, %(reason)s, %(key)s, %(sealed)s)",
        user, "restored from the back-up", note=note, size=checkpoint.size, root=checkpoint.root,
    )  # fmt: skip


def propose_lost_key(
    ledger: Ledger, line: str, user: str = FIRST, reason: str = "gone with the disk"
) -> dict[str, Any]:
    """Let one log keeper name the key that takes the place of a lost one."""
    key_id = VerifyingKey.parse(line).key_id
    return _act(
        ledger,
        "SELECT audit.propose_lost_key('airflow', %(user)s, %(line)s, %(key_id)s, %(reason)s, %(key)s, %(sealed)s)",
        user,
        reason,
        line=line,
        key_id=key_id,
    )


def confirm(
    ledger: Ledger, proposal: dict[str, Any], user: str = SECOND, reason: str = "I was there"
) -> dict[str, Any]:
    """Let a log keeper confirm a proposal."""
    return _act(
        ledger,
        "SELECT audit.confirm_proposal(%(proposal)s, decode(%(digest)s, 'hex'), 'airflow', %(user)s, %(reason)s, %(key)s, %(sealed)s)",
        user, reason, proposal=proposal["proposal_id"], digest=proposal["digest"],
    )  # fmt: skip


def _act(ledger: Ledger, statement: str, user: str, reason: str, **values: object) -> dict[str, Any]:
    with ledger.connect("web") as connection:
        given = {"user": user, "reason": reason, "key": f"log-act-{next(_number)}", **values}
        given["sealed"] = sealed(connection, "airflow", user, reason)
        row = connection.execute(statement, given).fetchone()
    assert row is not None
    return row[0]
