"""An upgrade in the middle of everything: nothing is asked anew, nothing is booked twice, old records are sealed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests import dump
from tests.answering import action_for, decide, open_cases, people_for
from tests.books import Books
from tests.conftest import LOG_INS, PASSWORD, Ledger, data_folder
from tests.docs.desk import Desk, ask, server
from tests.docs.pages import blocks, page
from tests.integration.reruns.works import (
    ANCHOR,
    MONEY,
    Works,
    expect_same,
    expect_success,
    run_one,
    works_of,
)
from tests.night import environment, run_night
from tests.sealing import seal

from backoffice import migrations, settings
from backoffice.domain.checkpoint import read_note
from backoffice.domain.merkle import leaf_hash, tree_root
from backoffice.migrations import migrate
from backoffice.sandbox.generator import generate
from backoffice.triggers.review import ReviewTrigger

pytestmark = pytest.mark.integration

PAGE = "docs/how-to/upgrade.md"
(OPEN_ACROSS,) = blocks(page(PAGE), "sql")
POLICY = re.sub(
    r"^version: \d+$",
    "version: 1",
    page("include/policies/invoice_reconciliation/approve_invoice.yaml"),
    flags=re.MULTILINE,
)
EVIDENCE = 'SELECT case_id, state, evidence_hash FROM review."case" ORDER BY case_id'
BOOKED_PER_ANSWER = """
SELECT convert_from(r.body, 'UTF8')::jsonb ->> 'answer_id', count(*) FROM audit.record r
WHERE r.kind = 'path' AND convert_from(r.body, 'UTF8')::jsonb ->> 'step' = 'answer booked' GROUP BY 1
"""


# -- a ledger of the time before the log was sealed --


@pytest.fixture
def old_ledger(postgres: str, ledger_template: str) -> Iterator[Ledger]:
    """The tables of revision 0003 with a person, a policy, a run and its records; no routine is there."""
    name = f"ledger_old_{hashlib.sha256(ledger_template.encode()).hexdigest()[:8]}"
    migrations._bootstrap(postgres, name, {})
    dsn = make_conninfo(postgres, dbname=name)
    config = migrations._alembic_config()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET ROLE {migrations.OWNER}")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with psycopg.connect(dsn) as connection:
        connection.execute(f"SET ROLE {migrations.OWNER}")
        connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (ANCHOR,))
        connection.execute("INSERT INTO review.person (person_id, name) VALUES ('p-old', 'Olga Old')")
        connection.execute("INSERT INTO review.identity VALUES ('erp', 'erp-creator', 'p-old')")
        connection.execute(
            "INSERT INTO ledger.policy_version (policy_id, version, sha256, content, machine_limit, currency, activated_by) "
            "VALUES ('approve_invoice', 1, encode(sha256(convert_to(%(text)s, 'UTF8')), 'hex'), %(text)s, 100000, 'EUR', 'installation')",
            {"text": POLICY},
        )
        connection.execute(
            "INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, package_version) "
            "VALUES ('invoice_reconciliation', 'invoice_reconciliation', 'old night', %s, '0.1.0')",
            (ANCHOR,),
        )
        for number in range(1, 301):
            body = (
                json.dumps({"at": "2026-11-20T01:00:00.000000Z", "old": str(number)})
                .replace(" ", "")
                .encode()
            )
            connection.execute(
                "INSERT INTO audit.record (subject, n, kind, body, leaf) VALUES ('run:1', %s, 'path', %s, %s)",
                (number, body, leaf_hash(body)),
            )
    yield Ledger(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_first_seal_covers_what_older_versions_recorded(old_ledger: Ledger, tmp_path: Path) -> None:
    old = ask(old_ledger, "admin", "SELECT record_id, body FROM audit.record ORDER BY record_id")
    assert len(old) == 300
    result = migrate(
        old_ledger.admin, old_ledger.database, dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True
    )
    assert result.revision == migrations.head_revision()
    assert (
        ask(
            old_ledger,
            "auditor",
            "SELECT record_id, body FROM audit.record WHERE subject = 'run:1' ORDER BY 1",
        )
        == old
    )
    active = ask(old_ledger, "auditor", "SELECT policy_id, version FROM ledger.policy_version ORDER BY 1")
    assert active == [("approve_invoice", 1), ("case_priority", 2)], "one is new, and none is changed"
    with old_ledger.connect("app") as connection:
        books = Books(connection).open_run("new night")
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 90)
        books.invoice("R-1", [("PO-1", 1, 90, 10)])
        books.night()
        assert books.status("R-1") == ("matched", True, False)
    checkpoint = read_note(seal(old_ledger, tmp_path) or "")[0]
    placed = ask(
        old_ledger, "auditor",
        "SELECT l.leaf_index, r.record_id, r.body FROM audit.leaf l JOIN audit.record r USING (record_id) ORDER BY 1",
    )  # fmt: skip
    assert [row[1:] for row in placed[:300]] == old
    assert checkpoint.size == len(placed) > 310
    assert checkpoint.root == tree_root([leaf_hash(bytes(body)) for *_, body in placed])
    assert ask(old_ledger, "auditor", "SELECT count(*) FROM audit.waiting") == [(0,)]


# -- open, half decided, answered and not booked, waiting --


class OwnedCopies(Works):
    """Ledgers as they are after their first migration: the owner owns the database too."""

    def copy(self, template: str) -> str:
        """Return the name of a new copy."""
        name = super().copy(template)
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} OWNER TO {migrations.OWNER}")
        return name


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """A server of its own, because the command on the page migrates the database that is called backoffice."""
    with data_folder(tmp_path_factory) as folder, server(folder / "server") as own:
        migrate(own.admin_dsn(), "template_ledger", dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True)
        with psycopg.connect(own.admin_dsn("template_ledger")) as connection:
            connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (ANCHOR,))
        company = generate(9, 30, "realistic", ANCHOR)
        with works_of(company, own.admin_dsn(), "template_ledger", folder) as made:
            owned = OwnedCopies(made.admin, made.url, made.clock, made.base)
            owned.empty = made.empty
            yield owned


@pytest.fixture(scope="module")
def halfway(works: Works) -> str:
    """A night; then of the cases the first half is answered (what takes two got one answer), the rest open."""
    database = works.copy(works.empty)
    with works.at(database):
        expect_success(run_night("night"))
    with works.connect(database, "web") as web:
        cases = open_cases(web)
        two = [case for case in cases if case["subject_kind"] == "quarantine"]
        for case in two:  # what could not be read is discarded by two
            decide(web, case, "clerk", "discard")
            web.commit()
        for case in [case for case in cases if case not in two][::2]:
            decide(web, case, people_for(case)[0], action_for(case))
            web.commit()
    return database


def go_on(works: Works, database: str, web: psycopg.Connection[Any]) -> None:
    """What people and nights do afterwards."""
    for case in ask_cases(web, "half_decided"):
        decide(web, case, "manager", "discard")
        web.commit()
    with works.at(database):
        run_one("act_on_answers", "night")
    for case in open_cases(web):
        for user in people_for(case):
            decide(web, case, user, action_for(case))
            web.commit()
    with works.at(database):
        run_one("keep_house", "tidy")
        expect_success(run_night("next"))


def ask_cases(web: psycopg.Connection[Any], state: str) -> list[dict[str, Any]]:
    from tests.answering import OPEN_CASES

    cursor = web.execute(OPEN_CASES.replace("c.state = 'open'", f"c.state = '{state}'"))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def changed_include(folder: Path) -> Mapping[str, str]:
    """Another version's rules: the same statements, each with a line more."""
    shutil.copytree(settings.include_dir(), folder / "include")
    for file in (folder / "include" / "sql").rglob("*.sql"):
        file.write_text(f"-- of the next version\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    return {"AIRFLOW__BACKOFFICE__INCLUDE_DIR": str(folder / "include")}


def states(works: Works, database: str) -> dict[str, tuple[int, int]]:
    with works.connect(database, "auditor") as connection:
        return {state: (cases, waiting) for state, cases, waiting in connection.execute(OPEN_ACROSS.encode())}


def migrated_by_command(works: Works, database: str, folder: Path, changed: Mapping[str, str]) -> str:
    """Type what the page says, while the database of this test is the one that is called backoffice."""
    (folder / "dsn").write_text(works.admin)
    desk = Desk(folder, {**changed, "DSN_FILE": str(folder / "dsn")})
    with psycopg.connect(works.admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} RENAME TO backoffice")
    try:
        return desk.follow("upgrade.md", "3. Stop, install, migrate, start")
    finally:
        with psycopg.connect(works.admin, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE backoffice RENAME TO {database}")


def test_an_upgrade_between_two_answers_changes_nothing(works: Works, halfway: str, tmp_path: Path) -> None:
    stayed, upgraded = works.copy(halfway), works.copy(halfway)
    before = states(works, upgraded)
    assert {name: cases > 0 for name, (cases, _) in before.items()} == {
        "open": True,
        "half_decided": True,
        "decided": True,
    }
    assert before["decided"][1] == before["decided"][0], "answered and not booked"
    with works.connect(upgraded, "auditor") as connection:
        evidence = connection.execute(EVIDENCE).fetchall()
        run_id = connection.execute("SELECT max(run_id) FROM ops.run").fetchone()[0]
    with works.at(upgraded):
        waiting = ReviewTrigger(
            run_id, "invoice_reconciliation", (datetime.now(UTC) + timedelta(hours=1)).isoformat(), poke_interval=0.2, until="all"
        ).serialize()  # fmt: skip

    changed = changed_include(tmp_path)
    printed = migrated_by_command(works, upgraded, tmp_path, changed)
    assert "routines installed: 0" not in printed
    queued = works.one(upgraded, "SELECT count(*) FROM ledger.match_queue")
    assert queued > 5, "the next run judges what is open by the new rules"
    with works.connect(upgraded, "auditor") as connection:
        assert connection.execute(EVIDENCE).fetchall() == evidence
    assert states(works, upgraded) == before

    with environment(changed), works.connect(upgraded, "web") as web:
        go_on(works, upgraded, web)
    with works.connect(stayed, "web") as web:
        go_on(works, stayed, web)
    # judged anew by the next version's rules: a document that a person freed may be approved by the machine as well
    same = (*MONEY, "cases", "answers")
    expect_same(works.books(stayed, *same), works.books(upgraded, *same), "with and without an upgrade")
    with works.connect(upgraded, "auditor") as connection:
        booked = connection.execute(BOOKED_PER_ANSWER).fetchall()
        assert {times for _, times in booked} == {1}
        assert connection.execute(
            "SELECT count(*) FROM review.answer WHERE final AND booked_at IS NULL"
        ).fetchone() == (0,)
    with works.at(upgraded):
        assert (
            asyncio.run(first_event(ReviewTrigger(**json.loads(json.dumps(waiting[1])))))["status"]
            == "settled"
        )


async def first_event(trigger: ReviewTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def test_an_upgrade_while_people_are_logged_in(works: Works, halfway: str, tmp_path: Path) -> None:
    """A connection of the pages that was open all along decides with the new routines."""
    database = works.copy(halfway)
    with works.connect(database, "web") as web:
        case = open_cases(web)[0]
        web.commit()
        with environment(changed_include(tmp_path)):
            installed = migrate(works.admin, database).installed
        assert installed
        assert decide(web, case, people_for(case)[0], action_for(case))["case_id"] == case["case_id"]


def test_an_upgrade_that_fails_is_as_before(works: Works, halfway: str, tmp_path: Path) -> None:
    database = works.copy(halfway)
    expected = works.books(database)
    changed = changed_include(tmp_path)
    broken = tmp_path / "include" / "sql" / "invoice_reconciliation" / "book_invoices.sql"
    broken.write_text("this is no SQL")
    with works.connect(database, "auditor") as connection:
        texts = connection.execute("SELECT name, sha256 FROM ops.installed_text ORDER BY 1").fetchall()
    with environment(changed), pytest.raises(psycopg.Error):
        migrate(works.admin, database)
    with works.connect(database, "auditor") as connection:
        assert (
            connection.execute("SELECT name, sha256 FROM ops.installed_text ORDER BY 1").fetchall() == texts
        )
    assert dump.differences(expected, works.books(database)) == ""


def test_the_same_version_again_changes_nothing(works: Works, halfway: str, tmp_path: Path) -> None:
    """A migration runs at every start: it must not have every open document judged anew each time."""
    database = works.copy(halfway)
    before = works.books(database)
    assert migrate(works.admin, database, sandbox=True).installed == ()
    assert dump.differences(before, works.books(database)) == ""
