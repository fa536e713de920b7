"""The acts of log keepers: say that a restore gave up the end of the log, replace a lost signing key."""

from __future__ import annotations

from typing import Any

from backoffice.domain.checkpoint import CheckpointError, VerifyingKey, open_note, read_note
from backoffice.settings import sql
from backoffice.web.acts import act
from backoffice.web.auth import Person
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one
from backoffice.web.log_models import ConfirmationRequest, LostKeyRequest, RestoreRequest
from backoffice.web.problems import FieldError, Problem

_SECOND = "Another log keeper has to confirm it within seven days; until then it changes nothing."
_DONE = {
    "restore": "It is recorded. The sealer goes on from here when it looks next; if it has ended, start it.",
    "lost_key": "It is recorded. The sealer signs with the new key when it starts next.",
}


def list_proposals(connection: Connection) -> list[dict[str, Any]]:
    """Return what was proposed, the latest first."""
    return fetch_all(connection, sql("log/list_proposals"), {"proposal_id": None})


def propose_restore(ledger: LedgerPool, person: Person, given: RestoreRequest, key: str) -> dict[str, Any]:
    """Propose a restore. The checkpoint must be one that a key of this log signed.

    :raises Problem: 403 not a log keeper, 409 the log holds it or the key was used, 422 no signed checkpoint.
    """
    with ledger.reading() as connection:
        note = _signed(given.checkpoint, _keys(connection))
    checkpoint = read_note(note)[0]
    values = {"note": note, "size": checkpoint.size, "root": checkpoint.root, "idempotency_key": key}
    return _taken(ledger, person, sql("log/propose_restore"), given.reason, **values)


def propose_lost_key(ledger: LedgerPool, person: Person, given: LostKeyRequest, key: str) -> dict[str, Any]:
    """Propose the key that takes the place of a lost one.

    :raises Problem: 403 not a log keeper, 409 the log knows it or the key was used, 422 no public key.
    """
    try:
        public = VerifyingKey.parse(given.key)
    except CheckpointError as error:
        raise _wrong("key", f"This is no public key of a log: {error}.") from error
    values = {"line": public.line(), "key_id": public.key_id, "idempotency_key": key}
    return _taken(ledger, person, sql("log/propose_lost_key"), given.reason, **values)


def confirm(
    ledger: LedgerPool, person: Person, proposal_id: int, given: ConfirmationRequest, key: str
) -> dict[str, Any]:
    """Confirm what another log keeper proposed.

    :raises Problem: 403 not a log keeper or the same person, 404 no such proposal, 409 it cannot be
        confirmed any more or is not the one that was shown.
    """
    values = {**given.model_dump(), "proposal_id": proposal_id, "idempotency_key": key}
    return _taken(ledger, person, sql("log/confirm_proposal"), **values)


def _taken(ledger: LedgerPool, person: Person, statement: str, reason: str, **values: Any) -> dict[str, Any]:
    """Perform an act; return the proposal and what happens now. The ledger decides who may."""
    done = act(ledger, person, statement, reason, **values)
    with ledger.reading() as connection:
        found = fetch_one(connection, sql("log/list_proposals"), {"proposal_id": done.get("proposal_id")})
    proposal = found or {}
    return {"proposal": proposal, "next": _DONE[proposal["act"]] if proposal["confirmed_by"] else _SECOND}


def _keys(connection: Connection) -> dict[str, VerifyingKey]:
    parsed = [VerifyingKey.parse(row["line"]) for row in fetch_all(connection, sql("log/list_keys"), {})]
    return {key.key_id: key for key in parsed}


def _signed(text: str, keys: dict[str, VerifyingKey]) -> str:
    """Return the note in its one form, after proving its signature."""
    note = text.replace("\r\n", "\n").strip("\n") + "\n"
    try:
        signatures = read_note(note)[1]
        open_note(note, keys)
    except CheckpointError as error:
        raise _wrong(
            "checkpoint",
            f"This is no checkpoint that this log's keys signed: {error}. A key that came "
            "after the back-up is introduced first, as one for a lost key.",
        ) from error
    if not signatures:
        raise _wrong("checkpoint", "This checkpoint is not signed.")
    return note


def _wrong(field: str, message: str) -> Problem:
    return Problem(422, message, [FieldError(field, message)])
