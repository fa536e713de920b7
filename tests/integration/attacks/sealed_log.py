"""A sealed log with an unsealed tail, what an attacker with every right does to it, and its verification."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from psycopg.types.json import Jsonb
from tests.answering import decide, open_cases
from tests.books import Books
from tests.conftest import Ledger
from tests.copies import Copies
from tests.integration.attacks import target
from tests.sealing import seal, sealer_config

from backoffice.domain.audit.findings import Verification
from backoffice.domain.checkpoint import Checkpoint, VerifyingKey, read_note, sign
from backoffice.domain.merkle import Frontier, leaf_hash
from backoffice.hooks.audit_log import LedgerAuditLog
from backoffice.hooks.audit_verification import Outside, examine

Connection = psycopg.Connection[Any]
CALL = {"method": "GET", "url": "erp:/orders", "status": "200", "sha256": "00", "size": "2", "at": "now"}


@dataclass(frozen=True)
class SealedLog:
    """Databases to copy, and what lies outside them.

    :param early: As it was at its first checkpoint.
    :param late: With two more checkpoints and a tail that none covers yet.
    :param folder: The sealer's folder, and the anchors beside it.
    """

    copies: Copies
    early: str
    late: str
    folder: Path

    @property
    def anchors(self) -> Path:
        """Where every checkpoint was laid down."""
        return self.folder / "anchors"

    def stolen_key(self) -> Ed25519PrivateKey:
        """Return the sealer's private key."""
        pem = sealer_config(self.ledger(self.late), self.folder).key_file.read_bytes()
        key = load_pem_private_key(pem, password=None)
        assert isinstance(key, Ed25519PrivateKey)
        return key

    def ledger(self, database: str) -> Ledger:
        """Return a database as the tests' fixtures know it."""
        return Ledger(self.copies.admin, database)


def build(copies: Copies, ledger_template: str, folder: Path) -> SealedLog:
    """Nights, answers and checkpoints: three of these, and after the last one a night that is not sealed."""
    database = copies.copy(ledger_template)
    log = SealedLog(copies, "", database, folder)
    target.build(copies, database)
    answer(copies, database, "buyer", "accept")
    seal(log.ledger(database), folder, "first")
    early = copies.copy(database)
    for night in (4, 5):
        with copies.connect(database, "app") as app:
            books = Books(app).open_run(f"night-{night}")
            app.execute("SELECT audit.record_calls(%s, %s)", (books.run_id, Jsonb([CALL] * 300)))
            for number in range(3):
                books.invoice(f"R-{night}-{number}", [("PO-1", 6, 1, 10)])
                books.receive("PO-1", 6, 1)
            books.night()
        if night == 4:
            answer(copies, database, "clerk", "reject")
            seal(log.ledger(database), folder, "second")
            with copies.connect(database, "app") as app:
                app.execute("SELECT audit.record_calls(%s, %s)", (books.run_id, Jsonb([CALL] * 10)))
            seal(log.ledger(database), folder, "third")
    with copies.connect(database, "app") as app:
        app.execute("SELECT audit.record_calls(%s, %s)", (books.run_id, Jsonb([CALL])))
    return SealedLog(copies, early, database, folder)


def answer(copies: Copies, database: str, user: str, action: str) -> None:
    """Answer the first case that this person may, and book it."""
    with copies.connect(database, "web") as web:
        role = {"buyer": "buyer", "clerk": "ap_clerk"}[user]
        case = next(one for one in open_cases(web) if one["role"] == role and action in one["actions"])
        decide(web, case, user, action)
    with copies.connect(database, "app") as app:
        run = app.execute("SELECT max(run_id) FROM ops.run").fetchone()
        assert run is not None
        app.execute("SELECT review.book_answers(%s, 'invoice_reconciliation')", run)


@contextmanager
def unprotected(copies: Copies, database: str) -> Iterator[Connection]:
    """Give a superuser's connection to a database whose audit tables lost triggers and constraints."""
    with copies.connect(database, "admin") as admin:
        tables = admin.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'audit'::regnamespace AND c.relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        constraints = admin.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE connamespace = 'audit'::regnamespace AND contype IN ('c', 'f', 'u', 'p')"
        ).fetchall()
        for table, name in constraints:
            admin.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')
        yield admin


@contextmanager
def sealer_there(copies: Copies, database: str) -> Iterator[None]:
    """A sealer is connected, and asleep."""
    with copies.connect(database, "sealer", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        yield


def verified(
    log: SealedLog,
    database: str,
    *,
    anchors: bool = True,
    keys: tuple[VerifyingKey, ...] = (),
    **options: Any,
) -> Verification:
    """Verify a database as the auditor, with or without what lies outside."""
    with sealer_there(log.copies, database), log.copies.connect(database, "auditor") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        folders = [log.anchors] if anchors else []
        state = options.pop("state", log.folder / f"{database}.state")
        outside = Outside(folders, anchors, keys, state if anchors else None)
        return examine(LedgerAuditLog(connection), outside, **options).verification


# -- what an attacker does ---------------------------------------------------------------------------------------------


def one(connection: Connection, statement: str, *values: object) -> Any:
    """Return the one value of a statement."""
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def sealed_record(connection: Connection, kind: str = "decision", subject: str = "%") -> int:
    """Return a record that the first checkpoint covers."""
    return one(
        connection,
        "SELECT min(r.record_id) FROM audit.record r JOIN audit.leaf l USING (record_id) WHERE r.kind = %s AND r.subject LIKE %s "
        "AND l.leaf_index < (SELECT min(size) FROM audit.seal)",
        kind,
        subject,
    )


def put_body(connection: Connection, record_id: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a record's bytes and its hash."""
    body = json.loads(bytes(one(connection, "SELECT body FROM audit.record WHERE record_id = %s", record_id)))
    change(body)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    connection.execute(
        "UPDATE audit.record SET body = %s, leaf = %s WHERE record_id = %s",
        (text, leaf_hash(text), record_id),
    )


def rewrite(connection: Connection, private: Ed25519PrivateKey) -> None:
    """Make a changed log whole again: every tree, seal record, edge, block and note anew, signed with a key."""
    origin = one(connection, "SELECT line FROM audit.sealing_key").partition("+")[0]
    key = VerifyingKey.of(origin, private)
    record = one(connection, "SELECT record_id FROM audit.sealing_key")
    put_body(connection, record, lambda body: body.update(key=key.line(), key_id=key.key_id))
    connection.execute("UPDATE audit.sealing_key SET line = %s, key_id = %s", (key.line(), key.key_id))
    connection.execute("DELETE FROM audit.block")
    frontier, previous, block = Frontier(), None, Frontier()
    for seal_no, size, note in connection.execute(
        "SELECT seal_no, size, note FROM audit.seal ORDER BY 1"
    ).fetchall():
        own = one(connection, "SELECT record_id FROM audit.leaf WHERE leaf_index = %s", size - 1)
        root = previous.hex() if previous else None
        put_body(connection, own, lambda body, root=root: body.update(previous_root=root, key_id=key.key_id))
        for (leaf,) in connection.execute(
            "SELECT r.leaf FROM audit.leaf l JOIN audit.record r USING (record_id) WHERE l.leaf_index BETWEEN %s AND %s ORDER BY l.leaf_index",
            (frontier.size, size - 1),
        ).fetchall():
            frontier.append(bytes(leaf))
            block.append(bytes(leaf))
            if block.size == 256:
                connection.execute(
                    "INSERT INTO audit.block VALUES (%s, %s)", (frontier.size // 256 - 1, block.root())
                )
                block = Frontier()
        sealed_at = read_note(note)[0].sealed_at
        signed = sign(Checkpoint(origin, size, frontier.root(), previous or bytes(32), sealed_at), private)
        previous = frontier.root()
        connection.execute(
            "UPDATE audit.seal SET root = %s, edge = %s, note = %s, key_id = %s WHERE seal_no = %s",
            (previous, frontier.edge, signed, key.key_id, seal_no),
        )


def forget_last_seal(connection: Connection) -> None:
    """Take the last checkpoint back as if it had never been: its row, places, own record; the rest waits again."""
    before = one(connection, "SELECT size FROM audit.seal ORDER BY seal_no DESC OFFSET 1 LIMIT 1")
    own = one(connection, "SELECT record_id FROM audit.leaf ORDER BY leaf_index DESC LIMIT 1")
    connection.execute("DELETE FROM audit.seal WHERE size > %s", (before,))
    connection.execute("DELETE FROM audit.anchor WHERE seal_no > (SELECT max(seal_no) FROM audit.seal)")
    connection.execute("DELETE FROM audit.block WHERE block_no >= %s / 256", (before,))
    connection.execute(
        "WITH back AS (DELETE FROM audit.leaf WHERE leaf_index >= %s RETURNING record_id) "
        "INSERT INTO audit.waiting (record_id) SELECT record_id FROM back WHERE record_id <> %s",
        (before, own),
    )
    connection.execute("DELETE FROM audit.record WHERE record_id = %s", (own,))
