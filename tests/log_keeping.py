"""Log keepers at work, through the functions that the pages call: record a restore, replace a lost key."""

from __future__ import annotations

import itertools
from typing import Any

from tests.conftest import Ledger

from backoffice.domain.checkpoint import VerifyingKey, read_note

_number = itertools.count(1)
FIRST, SECOND = "manager", "admin"


def propose_restore(ledger: Ledger, note: str, user: str = FIRST) -> dict[str, Any]:
    """Let one log keeper say that a checkpoint was given up."""
    checkpoint = read_note(note)[0]
    return _act(
        ledger,
        "SELECT audit.propose_restore('airflow', %s, %s, %s, %s, 'restored from the back-up', %s)",
        user, note, checkpoint.size, checkpoint.root,
    )  # fmt: skip


def propose_lost_key(ledger: Ledger, line: str, user: str = FIRST) -> dict[str, Any]:
    """Let one log keeper name the key that takes the place of a lost one."""
    key_id = VerifyingKey.parse(line).key_id
    return _act(
        ledger,
        "SELECT audit.propose_lost_key('airflow', %s, %s, %s, 'gone with the disk', %s)",
        user,
        line,
        key_id,
    )


def confirm(ledger: Ledger, proposal: dict[str, Any], user: str = SECOND) -> dict[str, Any]:
    """Let a log keeper confirm a proposal."""
    return _act(
        ledger,
        "SELECT audit.confirm_proposal(%s, decode(%s, 'hex'), 'airflow', %s, 'I was there', %s)",
        proposal["proposal_id"], proposal["digest"], user,
    )  # fmt: skip


def _act(ledger: Ledger, statement: str, *values: object) -> dict[str, Any]:
    with ledger.connect("web") as connection:
        row = connection.execute(statement, (*values, f"log-act-{next(_number)}")).fetchone()
    assert row is not None
    return row[0]
