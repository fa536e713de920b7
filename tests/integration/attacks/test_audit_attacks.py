"""The twelve attacks on the audit log, each by somebody with every right in the database, each found by named checks.

What an attack must fail is written down exactly: a check that fails beside it would point people to the wrong place.
Attacks that only something outside the database can show are tried with the anchors and without: without, the
verification names them among what it cannot see.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.copies import Copies
from tests.integration.attacks.sealed_log import (
    Connection,
    SealedLog,
    build,
    forget_last_seal,
    one,
    put_body,
    rewrite,
    sealed_record,
    unprotected,
    verified,
)

from backoffice.domain.audit.findings import NEEDS_ANCHOR, NEEDS_KEY, NEVER_SEEN, NOT_EXAMINED
from backoffice.domain.checkpoint import VerifyingKey
from backoffice.domain.merkle import leaf_hash

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def log(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SealedLog]:
    copies = Copies(postgres)
    yield build(copies, ledger_template, tmp_path_factory.mktemp("sealer"))
    copies.drop_all()


@pytest.fixture
def victim(log: SealedLog) -> Iterator[str]:
    with log.copies.scratch(log.late) as database:
        yield database


def test_the_log_that_is_attacked_proves_itself(log: SealedLog, victim: str) -> None:
    """There is something of everything to attack, and before an attack nothing fails."""
    found = verified(log, victim)
    assert found.failed == ()
    assert found.unseen == NEVER_SEEN
    with log.copies.connect(victim, "auditor") as connection:
        assert one(connection, "SELECT count(*) FROM audit.seal") == 3
        assert one(connection, "SELECT count(*) FROM audit.block") >= 1
        assert one(connection, "SELECT count(DISTINCT kind) FROM audit.record") == 8
        assert one(connection, "SELECT count(*) FROM audit.waiting") > 20
        assert found.records == one(connection, "SELECT count(*) FROM audit.record")


def test_without_anything_from_outside_it_says_what_it_cannot_see(log: SealedLog, victim: str) -> None:
    found = verified(log, victim, anchors=False)
    assert found.failed == ()
    assert found.unseen == (NEEDS_KEY, *NEEDS_ANCHOR, *NEVER_SEEN)
    assert [result.state for result in found.results if result.check == "anchor"] == [NOT_EXAMINED]


# -- the twelve --------------------------------------------------------------------------------------------------------


def body_changed(connection: Connection) -> None:
    record = sealed_record(connection)
    connection.execute(
        "UPDATE audit.record SET body = convert_to(replace(convert_from(body, 'UTF8'), '\"package_version\":\"0\"', '\"package_version\":\"9\"'), 'UTF8') WHERE record_id = %s",
        (record,),
    )


def body_and_leaf_changed(connection: Connection) -> None:
    put_body(connection, sealed_record(connection), lambda body: body.update(package_version="9"))


def sealed_record_deleted(connection: Connection) -> None:
    connection.execute("DELETE FROM audit.record WHERE record_id = %s", (sealed_record(connection),))


def record_and_place_deleted(connection: Connection) -> None:
    record = sealed_record(connection)
    connection.execute("DELETE FROM audit.record WHERE record_id = %s", (record,))
    connection.execute("DELETE FROM audit.leaf WHERE record_id = %s", (record,))


def record_backdated(connection: Connection) -> None:
    """Put a new record into a sealed place, as if it had been there; what was behind it moves on."""
    place = one(
        connection, "SELECT leaf_index FROM audit.leaf WHERE record_id = %s", sealed_record(connection)
    )
    connection.execute("UPDATE audit.leaf SET leaf_index = leaf_index + 1 WHERE leaf_index >= %s", (place,))
    moment = one(connection, "SELECT min(recorded_at) FROM audit.record")
    body = b'{"at":"%s","step":"case refreshed"}' % one(connection, "SELECT ops.utc(%s)", moment).encode()
    record = one(
        connection,
        "INSERT INTO audit.record (record_id, subject, n, kind, body, leaf, recorded_at) OVERRIDING SYSTEM VALUE "
        "VALUES (-1, 'invoice:forged', 1, 'path', %s, %s, %s) RETURNING record_id",
        body,
        leaf_hash(body),
        moment,
    )
    connection.execute("INSERT INTO audit.leaf VALUES (%s, %s)", (place, record))


def two_records_swapped(connection: Connection) -> None:
    connection.execute(
        "UPDATE audit.leaf SET leaf_index = CASE leaf_index WHEN 5 THEN 9 ELSE 5 END WHERE leaf_index IN (5, 9)"
    )


def middle_of_the_tail_deleted(connection: Connection) -> None:
    """A decision on an invoice that has later records."""
    record = one(
        connection,
        "SELECT min(r.record_id) FROM audit.record r JOIN audit.waiting w USING (record_id) WHERE r.kind = 'decision' "
        "AND EXISTS (SELECT FROM audit.record x WHERE x.subject = r.subject AND x.n > r.n)",
    )
    connection.execute("DELETE FROM audit.record WHERE record_id = %s", (record,))
    connection.execute("DELETE FROM audit.waiting WHERE record_id = %s", (record,))


def end_of_the_tail_deleted(connection: Connection) -> None:
    """The last effect of an invoice."""
    record = one(
        connection,
        "SELECT max(r.record_id) FROM audit.record r JOIN audit.waiting w USING (record_id) WHERE r.kind = 'effect' "
        "AND NOT EXISTS (SELECT FROM audit.record x WHERE x.subject = r.subject AND x.n > r.n)",
    )
    connection.execute("DELETE FROM audit.record WHERE record_id = %s", (record,))
    connection.execute("DELETE FROM audit.waiting WHERE record_id = %s", (record,))


@dataclass(frozen=True)
class Attack:
    """What is done, and exactly which checks fail: from inside alone, and with what lies outside."""

    act: Callable[[Connection], None]
    fails: tuple[str, ...]


INSIDE = [
    Attack(body_changed, ("leaf", "root", "blocks")),
    Attack(body_and_leaf_changed, ("root", "blocks")),
    Attack(sealed_record_deleted, ("index", "counter", "root", "blocks", "completeness")),
    Attack(record_and_place_deleted, ("index", "counter", "root", "blocks", "completeness")),
    Attack(record_backdated, ("index", "root", "blocks", "seal record")),
    Attack(two_records_swapped, ("root", "blocks")),
    Attack(middle_of_the_tail_deleted, ("counter", "completeness")),
    Attack(end_of_the_tail_deleted, ("completeness",)),
]


@pytest.mark.parametrize("anchors", [True, False], ids=["with anchors", "without"])
@pytest.mark.parametrize("attack", INSIDE, ids=lambda attack: attack.act.__name__)
def test_found_from_inside(log: SealedLog, victim: str, attack: Attack, anchors: bool) -> None:
    with unprotected(log.copies, victim) as connection:
        attack.act(connection)
    assert verified(log, victim, anchors=anchors).failed == attack.fails


def rewritten(connection: Connection, private: Ed25519PrivateKey) -> None:
    """A decision is another one, and the whole log agrees with that."""
    put_body(connection, sealed_record(connection), lambda body: body.update(package_version="9"))
    rewrite(connection, private)


def test_rewritten_with_another_key(log: SealedLog, victim: str) -> None:
    """Found by who knows the key, from the anchors' folder or by ``--key``; invisible without either."""
    with unprotected(log.copies, victim) as connection:
        rewritten(connection, Ed25519PrivateKey.generate())
    assert verified(log, victim).failed == ("signature", "anchor")
    known = VerifyingKey.of("backoffice.test/log", log.stolen_key())
    assert verified(log, victim, anchors=False, keys=(known,)).failed == ("signature",)
    alone = verified(log, victim, anchors=False)
    assert alone.failed == ()
    assert NEEDS_KEY in alone.unseen


def test_rewritten_with_the_stolen_key(log: SealedLog, victim: str) -> None:
    with unprotected(log.copies, victim) as connection:
        rewritten(connection, log.stolen_key())
    assert verified(log, victim).failed == ("anchor",)
    alone = verified(log, victim, anchors=False)
    assert alone.failed == ()
    assert NEEDS_ANCHOR[0] in alone.unseen


def test_rolled_back_to_an_older_state(log: SealedLog) -> None:
    with log.copies.scratch(log.early) as database:
        assert verified(log, database).failed == ("anchor",)
        alone = verified(log, database, anchors=False)
    assert alone.failed == ()
    assert NEEDS_ANCHOR[1] in alone.unseen


def test_last_checkpoint_deleted(log: SealedLog, victim: str) -> None:
    """Its row alone is missed inside; with all that tells of it, only outside."""
    with log.copies.scratch(log.late) as clumsy:
        with unprotected(log.copies, clumsy) as connection:
            connection.execute("DELETE FROM audit.seal WHERE seal_no = 3")
        assert verified(log, clumsy, anchors=False).failed == ("index", "seal record")
    with unprotected(log.copies, victim) as connection:
        forget_last_seal(connection)
    assert verified(log, victim).failed == ("anchor",)
    alone = verified(log, victim, anchors=False)
    assert alone.failed == ()
    assert NEEDS_ANCHOR[2] in alone.unseen


def test_a_call_cut_from_the_end_is_never_seen_and_named(log: SealedLog, victim: str) -> None:
    with unprotected(log.copies, victim) as connection:
        connection.execute(
            "WITH cut AS (DELETE FROM audit.waiting WHERE record_id = (SELECT max(record_id) FROM audit.waiting) RETURNING record_id) "
            "DELETE FROM audit.record WHERE record_id IN (SELECT record_id FROM cut)"
        )
    found = verified(log, victim)
    assert found.failed == ()
    assert set(NEVER_SEEN) <= set(found.unseen)


# -- more of the same kind ---------------------------------------------------------------------------------------------

BESIDE = {
    "a record moved to another subject": (
        "UPDATE audit.record SET subject = 'invoice:other', n = 1 WHERE record_id = {decision}",
        ("content", "counter", "completeness"),
    ),
    "what a person did moved to the end of another document": (
        "UPDATE audit.record SET subject = 'invoice:other', n = 1 WHERE record_id = (SELECT max(record_id) FROM audit.record WHERE kind = 'human')",
        ("content", "counter", "completeness"),
    ),
    "a record called by another kind": (
        "UPDATE audit.record SET kind = 'path' WHERE record_id = {decision}",
        ("content", "completeness"),
    ),
    "its moment alone changed": (
        "UPDATE audit.record SET recorded_at = recorded_at + interval '1 second' WHERE record_id = {decision}",
        ("content",),
    ),
    "two records of a subject renumbered": (
        "UPDATE audit.record r SET n = 3 - n WHERE n IN (1, 2) AND subject = (SELECT subject FROM audit.record WHERE record_id = {decision})",
        ("content", "counter"),
    ),
    # an effect and a step of a run: nothing else in their bytes says where they belong
    "an effect moved to the end of another invoice": (
        "WITH one AS (SELECT min(record_id) AS id FROM audit.record WHERE kind = 'effect' AND subject LIKE 'invoice:%'), "
        "last AS (SELECT subject, max(n) AS n FROM audit.record WHERE subject LIKE 'invoice:%' AND subject <> (SELECT subject FROM audit.record, one WHERE record_id = id) GROUP BY subject ORDER BY subject LIMIT 1) "
        "UPDATE audit.record SET subject = last.subject, n = last.n + 1 FROM one, last WHERE record_id = one.id",
        ("content", "counter", "completeness"),
    ),
    "an effect called a step": (
        "UPDATE audit.record SET kind = 'path' WHERE record_id = (SELECT min(record_id) FROM audit.record WHERE kind = 'effect')",
        ("content", "completeness"),
    ),
    "the last record of a subject numbered higher": (
        "UPDATE audit.record r SET n = n + 1 WHERE kind = 'api_call' AND n = (SELECT max(x.n) FROM audit.record x WHERE x.subject = r.subject)",
        ("content", "counter"),
    ),
    "a record that neither has a place nor waits": (
        "DELETE FROM audit.waiting WHERE record_id = (SELECT min(record_id) FROM audit.waiting)",
        ("index",),
    ),
    "a record placed a second time": (
        "INSERT INTO audit.waiting (record_id) VALUES ({decision})",
        ("index",),
    ),
    "a place without a record that waits": (
        "INSERT INTO audit.waiting (record_id) VALUES (999999999)",
        ("index",),
    ),
    "a middle checkpoint deleted": (
        "DELETE FROM audit.seal WHERE seal_no = 2",
        ("signature", "seal record", "anchor"),
    ),
    "a checkpoint's time changed": (
        "UPDATE audit.seal SET sealed_at = sealed_at - interval '30 days' WHERE seal_no = 2",
        ("time",),
    ),
    "a checkpoint's reason changed": (
        "UPDATE audit.seal SET reason = 'another' WHERE seal_no = 2",
        ("seal record",),
    ),
    "a signature changed": (
        "UPDATE audit.seal SET note = overlay(note placing 'AAAA' from length(note) - 20 for 4) WHERE seal_no = 2",
        ("signature",),
    ),
    "a kept block changed": ("UPDATE audit.block SET root = sha256('x') WHERE block_no = 0", ("blocks",)),
    "a kept block deleted": ("DELETE FROM audit.block WHERE block_no = 0", ("blocks",)),
    "a kept block invented": ("INSERT INTO audit.block VALUES (77, sha256('x'))", ("blocks",)),
    "a kept edge changed": ("UPDATE audit.seal SET edge[1] = sha256('x') WHERE seal_no = 2", ("blocks",)),
    "a key added to the ledger": (
        "INSERT INTO audit.sealing_key SELECT '00000000', 'some+00000000+line', now(), {decision}",
        ("signature",),
    ),
    "a journal line changed": (
        "UPDATE ledger.journal_line SET debit = debit + 1 WHERE debit > 0 AND entry_id = (SELECT max(entry_id) FROM ledger.journal_entry)",
        ("completeness",),
    ),
    "an answer of another person's case": (
        "UPDATE review.answer SET case_id = (SELECT max(case_id) FROM review.case)",
        ("completeness",),
    ),
    "a policy's text changed": (
        "ALTER TABLE ledger.policy_version DROP CONSTRAINT version_text_is_hashed; UPDATE ledger.policy_version SET content = content || ' ' WHERE policy_id = 'approve_invoice'",
        ("completeness",),
    ),
    "a run invented": (
        "INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, package_version) VALUES ('x', 'x', 'x', '2026-11-20', '0')",
        ("completeness",),
    ),
    "a payment proposed again behind the log": (
        "UPDATE ledger.payment_proposal SET state = CASE state WHEN 'proposed' THEN 'withdrawn' ELSE 'proposed' END",
        ("completeness",),
    ),
    "bytes that are no text": (
        "UPDATE audit.record SET body = '\\xff', leaf = sha256('\\x00ff') WHERE record_id = (SELECT max(record_id) FROM audit.waiting JOIN audit.record USING (record_id) WHERE kind = 'decision')",
        ("content", "completeness"),
    ),
    "a waiting record's bytes changed": (
        "UPDATE audit.record SET body = body || ' ' WHERE record_id = (SELECT max(record_id) FROM audit.waiting)",
        ("leaf",),
    ),
    "a record purged unlawfully": (
        "ALTER TABLE audit.record ALTER body DROP NOT NULL; UPDATE audit.record SET body = NULL WHERE record_id = {decision}",
        ("leaf",),
    ),
    "nothing sealed for an hour": (
        "UPDATE audit.waiting SET since = now() - interval '1 hour'",
        ("fresh",),
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_found_from_inside_too(log: SealedLog, victim: str, name: str) -> None:
    statement, fails = BESIDE[name]
    with unprotected(log.copies, victim) as connection:
        for table in ("ledger.journal_line", "ledger.policy_version"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        done = connection.execute(statement.format(decision=sealed_record(connection)))
        assert done.rowcount != 0
    assert verified(log, victim).failed == fails


def test_backdated_by_who_writes_records(log: SealedLog, victim: str) -> None:
    """A record of long ago that is sealed only now."""
    with log.copies.connect(victim, "admin") as admin:
        body = b'{"at":"2026-01-01T00:00:00.000000Z"}'
        admin.execute(
            "WITH one AS (INSERT INTO audit.record (subject, n, kind, body, leaf, recorded_at) VALUES ('test:1', 1, 'path', %s, %s, '2026-01-01Z') RETURNING record_id) "
            "INSERT INTO audit.waiting (record_id) SELECT record_id FROM one",
            (body, leaf_hash(body)),
        )
    from tests.sealing import seal

    folder = log.folder.with_name(f"{log.folder.name}-backdated")
    shutil.copytree(log.folder, folder)
    seal(log.ledger(victim), folder)
    assert verified(replace(log, folder=folder), victim).failed == ("time",)


# -- anchors -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(log: SealedLog, tmp_path: Path) -> SealedLog:
    """The same log with a copy of the anchors to damage."""
    shutil.copytree(log.folder, tmp_path / "sealer")
    return replace(log, folder=tmp_path / "sealer")


def test_an_anchor_that_cannot_be_read_is_no_missing_anchor(elsewhere: SealedLog, victim: str) -> None:
    (file,) = elsewhere.anchors.glob("*.jsonl")
    whole = file.read_text()
    for damaged in (whole[:-20], whole.replace("previous", "prevoius"), "\x00" + whole, whole + "{}\n"):
        file.write_text(damaged)
        assert verified(elsewhere, victim).failed == ("anchor",)
    file.write_bytes(b"\xff\xfe")
    assert verified(elsewhere, victim).failed == ("anchor",)
    file.write_text(whole)
    assert verified(elsewhere, victim).failed == ()


def test_a_folder_that_was_named_must_hold_this_log(elsewhere: SealedLog, victim: str) -> None:
    (file,) = elsewhere.anchors.glob("*.jsonl")
    file.rename(file.with_name("another.jsonl"))
    assert verified(elsewhere, victim).failed == ("anchor",)
    shutil.rmtree(elsewhere.anchors)
    assert verified(elsewhere, victim).failed == ("anchor",)


def test_what_the_ledger_says_lies_outside_must_lie_there(log: SealedLog, victim: str) -> None:
    """Cut off in the folder that the ledger names; a copy kept elsewhere may be older."""
    (file,) = log.anchors.glob("*.jsonl")
    whole = file.read_text()
    file.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    try:
        assert verified(log, victim).failed == ("anchor",)
    finally:
        file.write_text(whole)


def test_an_older_copy_of_the_anchors_is_still_an_anchor(elsewhere: SealedLog, victim: str) -> None:
    (file,) = elsewhere.anchors.glob("*.jsonl")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:1]))
    assert verified(elsewhere, victim).failed == ()


def test_a_checkpoint_that_nobody_signed_is_found(elsewhere: SealedLog, victim: str) -> None:
    (file,) = elsewhere.anchors.glob("*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[0].replace("log\\n", "log\\n9", 1)]))
    assert verified(elsewhere, victim).failed == ("anchor",)
