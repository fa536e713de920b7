"""The runbook of back-up and restore, followed line by line: what was given up comes again once, and nobody hides it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from tests import dump
from tests.answering import action_for, decide, open_cases, people_for
from tests.conftest import BUSINESS_DATE, LOG_INS, PASSWORD, Ledger, data_folder
from tests.docs.desk import (
    DATABASE,
    Desk,
    ask,
    give_passwords,
    last_moment,
    sealer_environment,
    server,
    server_environment,
)
from tests.docs.pages import blocks, page, section
from tests.integration.reruns.works import (
    LOGIN,
    START,
    Works,
    expect_same,
    expect_success,
    run_one,
    works_of,
)
from tests.log_keeping import confirm, propose_restore
from tests.night import run_night
from tests.sealing import seal, sealer_config
from tests.web.conftest import airflow_without_its_database
from tests.web.host import create_host, log_in, serve

from backoffice.domain.checkpoint import Checkpoint, read_note
from backoffice.migrations import migrate
from backoffice.runtime import doctor_ledger
from backoffice.runtime.postgres import EmbeddedPostgres
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.sandbox.generator import generate

__all__ = ["airflow_without_its_database"]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PAGE = "back-up-and-restore.md"
VAULT = """
CREATE SCHEMA IF NOT EXISTS vault AUTHORIZATION backoffice_owner;
CREATE TABLE IF NOT EXISTS vault.subject_key (subject text PRIMARY KEY, key bytea);
"""
NUMBERS_GIVEN_UP = "SELECT max(run_id) FROM ops.run"


@dataclass(frozen=True)
class Accident:
    """A ledger with its back-ups, and what was in it when it was lost.

    :param backed_up_at: Moment of the dump.
    :param moment: A moment between the back-up and the loss, and the books at it.
    :param books: The books when everything was lost.
    :param given_up: The checkpoint signed last.
    """

    server: EmbeddedPostgres
    works: Works
    desk: Desk
    folder: Path
    backed_up_at: str
    moment: str
    books_at_moment: dump.Dump
    books: dump.Dump
    given_up: Checkpoint
    messages: list[str]


def ledger_of(server: EmbeddedPostgres, database: str = DATABASE) -> Ledger:
    return Ledger(server.admin_dsn(), database)


def answer(works: Works, *, every: int) -> int:
    """Let people answer each n-th open case; what two must answer gets two answers."""
    with works.connect(DATABASE, "web") as web:
        cases = open_cases(web)[::every]
        for case in cases:
            for user in people_for(case):
                decide(web, case, user, action_for(case))
                web.commit()
    return len(cases)


def night(works: Works, name: str, *, every: int = 1) -> None:
    """A night, the answers of the day after it, and the booking of these; messages to suppliers go out."""
    with works.at(DATABASE):
        expect_success(run_night(name))
        assert answer(works, every=every) > 0
        run_one("act_on_answers", name)
        run_one("keep_house", f"tidy-{name}")


def messages(works: Works) -> list[str]:
    """What suppliers got, by idempotency key, in order."""
    said = requests.get(f"{works.url}/mailbox/outbox", auth=LOGIN, timeout=10).json()
    return [one["idempotency_key"] for one in said["items"]]


@pytest.fixture(scope="module")
def accident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accident]:
    """Night 1, sealed and backed up; night 2 with answers, sealed; then the ledger is lost."""
    with data_folder(tmp_path_factory) as root:
        folder = root / "accident"
        backup, wal = folder / "backup", folder / "backup" / "wal"
        wal.mkdir(parents=True)
        archive = {
            "archive_mode": "on",
            "archive_command": config_line("archive_command", folder),
        }
        with server(folder / "source", **archive) as source:
            migrate(source.admin_dsn(), DATABASE, dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True)
            ledger = ledger_of(source)
            with ledger.connect("admin") as connection:
                connection.execute(
                    "INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (BUSINESS_DATE,)
                )
                connection.execute(VAULT)
                if connection.execute("SELECT count(*) FROM vault.subject_key").fetchone() == (0,):
                    connection.execute(
                        "INSERT INTO vault.subject_key (subject, key) VALUES ('person:p-clerk', sha256('k'))"
                    )
            company = generate(9, 30, "realistic", BUSINESS_DATE)
            came = sorted(
                {one.updated_at for records in (company.documents, company.receipts) for one in records}
            )
            with works_of(company, source.admin_dsn(), DATABASE, folder) as works:
                works.clock.set(came[len(came) * 2 // 3])
                night(works, "night-1", every=2)
                seal(ledger, folder)
                desk = Desk(
                    folder,
                    {**server_environment(source), "BACKUP": str(backup), "SEALER": str(folder / "sealer")},
                )
                for heading in (
                    "A dump each night",
                    "The keys of personal data, apart",
                    "A base back-up, to restore any moment",
                ):
                    desk.follow(PAGE, heading)
                backed_up_at = last_moment(ledger)
                works.clock.set(START)
                with works.at(DATABASE):
                    expect_success(run_night("night-2"))
                seal(ledger, folder)
                moment, books_at_moment = last_moment(ledger), works.books(DATABASE)
                time.sleep(0.1)
                night(works, "night-2")
                note = seal(ledger, folder)
                with psycopg.connect(source.admin_dsn(), autocommit=True) as connection:
                    connection.execute("SELECT pg_switch_wal()")
                    last = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn() - 1)").fetchone()[
                        0
                    ]
                wait_for(wal / last)
                yield Accident(
                    source, works, desk, folder, backed_up_at, moment, books_at_moment, works.books(DATABASE), read_note(note)[0], messages(works),
                )  # fmt: skip


def wait_for(file: Path, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < end, f"{file} was not archived"
        time.sleep(0.1)


def config_line(name: str, folder: Path) -> str:
    """Return what the page sets a server's option to, with the folder of this test for the one on the page."""
    (line,) = [
        line.strip()
        for line in page(f"docs/how-to/{PAGE}").splitlines()
        if line.strip().startswith(f"{name} = ")
    ]
    value = line.partition(" = ")[2].strip("'")
    return value.replace("/backup/", f"{folder}/backup/")


def unsealed(ledger: Ledger) -> int:
    (row,) = ask(ledger, "auditor", "SELECT count(*) FROM audit.waiting")
    return int(row[0])


@contextmanager
def pages(ledger: Ledger) -> Iterator[dict[str, str]]:
    """The API server alone; yields what a log keeper's environment holds, but for the token."""
    with serve(create_host(lambda: ledger.dsn("web"))) as address:
        yield {"BACKOFFICE_URL": address}


def restored_people(ledger: Ledger) -> set[str]:
    (statement,) = blocks(section(page(f"docs/how-to/{PAGE}"), "5. Look at the people first"), "sql")
    return {str(row[0]) for row in ask(ledger, "auditor", statement)}


def given_up_list(ledger: Ledger, since: str) -> list[tuple[str, dict[str, Any]]]:
    """What the page's list says was given up, asked of the ledger that was put aside."""
    (statement,) = blocks(section(page(f"docs/how-to/{PAGE}"), "What the restore gave up"), "sql")
    assert "'2026-11-24 01:00:00+00'" in statement
    rows = ask(ledger, "admin", statement.replace("2026-11-24 01:00:00+00", since))
    return [(kind, json.loads(said)) for _, kind, _, said in rows]


def test_a_dump_into_a_new_server(accident: Accident, airflow_without_its_database: None) -> None:
    folder = accident.folder
    with server(folder / "target") as target:
        ledger = ledger_of(target)
        desk = Desk(folder, {**accident.desk.environment, **server_environment(target)})
        # 2 to 5
        accident.desk.follow(PAGE, "2. Put the damaged ledger aside")
        aside = ledger_of(accident.server, "backoffice_given_up")
        desk.follow(PAGE, "3. Restore a dump")
        (folder / "admin.dsn").write_text(target.admin_dsn())
        desk.follow("upgrade.md", "3. Stop, install, migrate, start", DSN_FILE=str(folder / "admin.dsn"))
        give_passwords(ledger)
        assert {"p-admin", "p-manager", "p-clerk"} <= restored_people(ledger)
        (keys,) = ask(ledger, "admin", "SELECT count(*) FROM vault.subject_key")
        assert keys[0] > 0
        assert unhealthy(ledger) == set()

        # the sealer refuses, again and again, and says so in the log
        for _ in range(2):
            with pytest.raises(SealerFault, match="rolled back or rewritten"):
                seal(ledger, folder)
        works = Works(target.admin_dsn(), accident.works.url, accident.works.clock, accident.works.base)

        # 6: one alone does not do
        with pages(ledger) as address:
            manager = {**address, "BACKOFFICE_TOKEN": log_in("manager")}
            admin = {**address, "BACKOFFICE_TOKEN": log_in("admin")}
            six = "6. Two log keepers record the restore"
            assert accident.given_up.short in desk.follow(PAGE, six, block=0, **manager)
            alone = desk.attempt(PAGE, six, block=1, **manager)
            assert (alone.returncode, "another person confirms" in alone.stderr) == (1, True)
            with pytest.raises(SealerFault, match="rolled back or rewritten"):
                seal(ledger, folder)
            assert "It is recorded." in desk.follow(PAGE, six, block=1, **admin)

        # 7 and 8: the sealer goes on, and the night makes everything again, once
        note = seal(ledger, folder)
        assert unsealed(ledger) == 0
        night_two_again(works)
        seal(ledger, folder)
        assert read_note(note)[0].size < accident.given_up.size
        expect_same(accident.books, works.books(DATABASE), "the books after the restore")
        assert messages(works) == accident.messages, "what was sent again under the same key was ignored"
        (new,) = ask(ledger, "auditor", NUMBERS_GIVEN_UP)
        (old,) = ask(aside, "auditor", NUMBERS_GIVEN_UP)
        assert old[0] < 1_000_000_000 < new[0]
        assert unhealthy(ledger) == set()

        # what was given up can be listed
        told = given_up_list(aside, accident.backed_up_at)
        given = [said for kind, said in told if kind == "human"]
        (answers,) = ask(
            aside,
            "admin",
            f"SELECT count(*) FROM review.answer WHERE answered_at > '{accident.backed_up_at}'",
        )
        assert len(given) == answers[0] > 5
        assert {said["effect"] for kind, said in told if kind == "effect"} >= {"payment proposed"}
        with psycopg.connect(accident.server.admin_dsn(), autocommit=True) as connection:
            connection.execute("ALTER DATABASE backoffice_given_up RENAME TO backoffice")


def night_two_again(works: Works) -> None:
    """What was done after the back-up, once more: both runs of night 2, the answers, the messages."""
    with works.at(DATABASE):
        expect_success(run_night("night-2"))
    night(works, "night-2")


def unhealthy(ledger: Ledger) -> set[str]:
    """What the doctor finds wrong with roles and version."""
    dsn_of = lambda login: ledger.dsn(login.removeprefix("backoffice_"))  # noqa: E731
    checks = (doctor_ledger.reachable, doctor_ledger.at_head, doctor_ledger.privileges)
    return {f"{found.name}: {found.seen}" for check in checks for found in check(dsn_of) if not found.ok}


def test_a_moment_from_the_base_back_up(accident: Accident) -> None:
    folder, home = accident.folder, accident.folder / "moment"
    home.mkdir()
    accident.desk.follow(PAGE, "3. Or restore a moment", block=0, DATA=str(home / "data"))
    shutil.copy(accident.folder / "source" / "server.json", home / "server.json")
    settings = {
        "restore_command": config_line("restore_command", folder),
        "recovery_target_time": accident.moment,
        "recovery_target_action": config_line("recovery_target_action", folder),
        "archive_mode": "off",
    }
    kept = (folder / "sealer" / "last-checkpoint").read_text()
    with server(home, **settings) as target:
        ledger = ledger_of(target)
        desk = Desk(folder, server_environment(target))
        end = time.monotonic() + 60
        while desk.follow(PAGE, "3. Or restore a moment", block=1).strip() != "f":
            assert time.monotonic() < end, "it replays for ever"
        works = Works(target.admin_dsn(), accident.works.url, accident.works.clock, accident.works.base)
        expect_same(accident.books_at_moment, works.books(DATABASE), "the books of that moment")
        try:
            with pytest.raises(SealerFault, match="rolled back or rewritten"):
                seal(ledger, folder)
            note = read_note(kept)[0]
            proposal = propose_restore(ledger, kept)
            with pytest.raises(SealerFault, match="rolled back or rewritten"):
                seal(ledger, folder)
            confirm(ledger, proposal)
            assert read_note(seal(ledger, folder))[0].size < note.size + 10
            assert unsealed(ledger) == 0
            night(works, "night-2")
            expect_same(accident.books, works.books(DATABASE), "the books after the restore")
        finally:
            sealer_config(ledger, folder).memory.keep(kept)


def test_the_sealers_variables_on_the_page_are_its_own(accident: Accident) -> None:
    config = sealer_config(ledger_of(accident.server), accident.folder)
    named = sealer_environment(config, accident.folder / "anchors")
    assert Path(named["SEALER"]) / "last-checkpoint" == config.memory.path
    assert len(list((accident.folder / "anchors").glob("*.jsonl"))) == 1
