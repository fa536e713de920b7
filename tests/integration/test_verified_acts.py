"""What people do lawfully leaves a log that proves itself: policies changed, persons erased, records purged, keys rotated."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.answering import answer_all
from tests.changing import approve, end, propose, version
from tests.conftest import Ledger
from tests.integration.privacy.conftest import AFTER_RETENTION, Office, office
from tests.night import run_night
from tests.sealing import seal, sealer_config

from backoffice.domain.audit.findings import Verification
from backoffice.hooks.audit_log import LedgerAuditLog
from backoffice.hooks.audit_verification import Outside, examine
from backoffice.runtime.sealer.signing_key import KeyFile

__all__ = ["office"]
pytestmark = pytest.mark.integration


def verified(ledger: Ledger, folder: Path) -> Verification:
    with (
        ledger.connect("sealer", autocommit=True) as sealer,
        ledger.connect("auditor") as connection,
    ):
        sealer.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return examine(LedgerAuditLog(connection), Outside([folder / "anchors"], asked=True)).verification


def good(found: Verification, written_directly: tuple[str, ...] = ()) -> list[str]:
    """The verification is good, but for facts that the fixture wrote without the product; return what it notes."""
    findings = [finding.what for result in found.results for finding in result.findings]
    assert [what for what in findings if not what.startswith(written_directly or ("-",))] == []
    return [note for result in found.results for note in result.notes]


DIRECTLY = ("machine decision ", "accepted load ")


def test_policies_changed_by_two_people(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.connect("web", autocommit=True) as web:
        ((latest,),) = web.execute(
            "SELECT max(version) FROM ledger.policy_version WHERE policy_id = 'approve_invoice'"
        )
        approve(web, propose(web, "clerk", version(latest + 1)), "manager")
        end(web, propose(web, "clerk", version(latest + 2)), "refuse", "manager")
        end(web, propose(web, "clerk", version(latest + 2)), "withdraw", "clerk")
        propose(web, "manager", version(latest + 2))
    seal(ledger, tmp_path)
    notes = good(verified(ledger, tmp_path))
    assert any("act on a policy proposal 7" in note for note in notes)


def test_answers_erasures_and_holds(office: Office) -> None:
    good(verified(office.ledger, office.folder), DIRECTLY)
    hold = office.hold()
    office.reply("manager", office.ask("admin", "lift_hold", hold=hold))
    office.seal()
    good(verified(office.ledger, office.folder), DIRECTLY)
    office.leave()
    office.day(AFTER_RETENTION)
    office.erase()
    good(verified(office.ledger, office.folder), DIRECTLY)
    office.seal()
    good(verified(office.ledger, office.folder), DIRECTLY)


def test_records_purged(office: Office) -> None:
    with office.ledger.connect("app") as app:
        app.execute(
            'SELECT audit.record_calls(%s, \'[{"method": "GET"}, {"method": "GET"}]\')',
            (office.books.run_id,),
        )
    office.seal()
    office.day(AFTER_RETENTION)
    for record_class in ("api_call", "path", "human_act"):
        request = office.ask(
            "manager", "purge_records", **{"class": record_class, "before": date(2027, 1, 1)}
        )
        office.reply("admin", request)
    assert office.one("SELECT count(*) FROM audit.record WHERE body IS NULL") > 5
    notes = good(verified(office.ledger, office.folder), DIRECTLY)
    assert sum("lawful purge" in note for note in notes) == 3
    office.seal()
    good(verified(office.ledger, office.folder), DIRECTLY)
    office.admin("ALTER TABLE audit.record DISABLE TRIGGER ALL")
    office.admin("UPDATE audit.record SET body = NULL WHERE kind = 'policy'")
    assert "leaf" in verified(office.ledger, office.folder).failed


def test_a_rotated_key(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    KeyFile(sealer_config(ledger, tmp_path).key_file).prepare_rotation()
    seal(ledger, tmp_path)
    with ledger.connect("app") as app:
        app.execute("SELECT audit.raise_alert('test', 'something to seal')")
    seal(ledger, tmp_path)
    notes = good(verified(ledger, tmp_path))
    assert sum(note.startswith("key backoffice.test/log+") for note in notes) == 2


def test_nights_with_everything_that_happens_in_them(company, ledger: Ledger, tmp_path: Path) -> None:
    """Sources, gates, matching, posting, cases, every kind of answer, messages and reversals, over three nights."""
    _, clock, _ = company(11, 150, "realistic")
    for night in range(3):
        run_night(f"night-{night}")
        seal(ledger, tmp_path)
        good(verified(ledger, tmp_path))
        with ledger.connect("web", autocommit=True) as web:
            assert answer_all(web) > 0 or night > 0
        with ledger.connect("app") as app:
            for (outbox_id,) in app.execute("SELECT outbox_id FROM ops.take_unsent(99)").fetchall():
                app.execute("SELECT ops.mark_sent(%s, '{\"taken\": true}')", (outbox_id,))
        clock.set(clock.now() + timedelta(days=1))
        good(verified(ledger, tmp_path))
    with ledger.connect("auditor") as connection:
        counted = dict(connection.execute("SELECT kind, count(*) FROM audit.record GROUP BY kind").fetchall())
    assert {"decision", "effect", "api_call", "path", "human", "policy", "seal", "key"} <= counted.keys()
