"""Late commits, killed sealers, two sealers, many writers: afterwards the log proves itself, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.books import Books
from tests.conftest import Ledger
from tests.sealing import connected_sealer, seal, sealer_config

from backoffice.domain.audit.findings import Verification
from backoffice.hooks.audit_log import LedgerAuditLog
from backoffice.hooks.audit_verification import Outside, examine
from backoffice.runtime.sealer.seal import seal_once

pytestmark = pytest.mark.integration

CALL = {"method": "GET", "url": "erp:/orders", "status": "200", "sha256": "00", "size": "2", "at": "now"}
ROOT = Path(__file__).resolve().parents[2]


def verified(ledger: Ledger, folder: Path) -> Verification:
    with (
        ledger.connect("sealer", autocommit=True) as sealer,
        ledger.connect("auditor") as connection,
    ):
        sealer.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return examine(LedgerAuditLog(connection), Outside([folder / "anchors"], asked=True)).verification


def count(ledger: Ledger, what: str) -> int:
    with ledger.connect("auditor") as connection:
        return connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def test_a_late_commit_is_sealed_late_and_the_log_proves_itself(ledger: Ledger, tmp_path: Path) -> None:
    """A transaction that began before a checkpoint commits after it: its records come next."""
    with ledger.connect("app") as slow, ledger.connect("app") as quick:
        run = Books(slow).open_run("slow").run_id
        slow.execute("SELECT audit.record_calls(%s, %s)", (run, Jsonb([CALL] * 3)))
        Books(quick).open_run("quick")
        quick.commit()
        seal(ledger, tmp_path)
        during = verified(ledger, tmp_path)
        slow.commit()
    after = verified(ledger, tmp_path)
    seal(ledger, tmp_path)
    end = verified(ledger, tmp_path)
    assert (during.failed, after.failed, end.failed) == ((), (), ())
    assert after.records == during.records + 4
    assert end.size == end.records == after.records + 1


KILLED = """
import os, signal, sys
from pathlib import Path
import psycopg
from backoffice.runtime.sealer import seal as module
from backoffice.runtime.sealer.process import Sealer, SealerConfig
from backoffice.runtime.sealer.anchors import FileAnchor
dsn, folder, where = sys.argv[1:]
config = SealerConfig(dsn, Path(folder) / "sealer" / "key.pem", [FileAnchor(Path(folder) / "anchors")], "backoffice.test/log")
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "between the halves":
    module.sign = die
with psycopg.connect(dsn, autocommit=True) as connection:
    sealer = Sealer(config, connection)
    if where == "before the anchor":
        sealer._lay_down = die
    if where == "before it remembers":
        type(config.memory).keep = die
    sealer.look("killed")
"""


@pytest.mark.parametrize("where", ["between the halves", "before it remembers", "before the anchor"])
def test_a_sealer_killed_anywhere_leaves_a_log_that_proves_itself(
    ledger: Ledger, tmp_path: Path, where: str
) -> None:
    seal(ledger, tmp_path)
    with ledger.connect("app") as app:
        Books(app).open_run("one")
    seals = count(ledger, "audit.seal")
    program = subprocess.run(
        [sys.executable, "-c", KILLED, ledger.dsn("sealer"), str(tmp_path), where],
        env={"PYTHONPATH": str(ROOT / "plugins"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert program.returncode == -signal.SIGKILL, program.stderr
    assert count(ledger, "audit.seal") == seals + (where != "between the halves")
    assert verified(ledger, tmp_path).failed == ()
    with ledger.connect("app") as app:
        Books(app).open_run("two")
    seal(ledger, tmp_path)
    after = verified(ledger, tmp_path)
    assert after.failed == ()
    assert after.size == after.records == count(ledger, "audit.record")


def test_two_sealers_at_once_take_turns(ledger: Ledger, tmp_path: Path) -> None:
    """Should a second one get past the lock that keeps it waiting, it still continues what the first one signed."""
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    started = threading.Barrier(2)

    def work(number: int) -> None:
        with connected_sealer(config) as sealer, ledger.connect("app", autocommit=True) as app:
            started.wait()
            for turn in range(10):
                Books(app).open_run(f"{number}/{turn}")
                with sealer.connection.transaction():
                    seal_once(sealer.connection, sealer.key, f"sealer {number}")

    sealers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for one in sealers:
        one.start()
    for one in sealers:
        one.join(timeout=60)
    assert not any(one.is_alive() for one in sealers)
    seal(ledger, tmp_path)
    after = verified(ledger, tmp_path)
    assert after.failed == ()
    assert after.size == after.records
    assert count(ledger, "ops.run") == 20


def test_a_thousand_records_in_parallel_while_sealing(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.connect("app") as app:
        run = Books(app).open_run().run_id
    seal(ledger, tmp_path)

    def work(number: int) -> None:
        with ledger.connect("app", autocommit=True) as app:
            for turn in range(25):
                if turn % 5 == 0:
                    Books(app).open_run(f"{number}/{turn}")
                app.execute("SELECT audit.record_calls(%s, %s)", (run, Jsonb([CALL] * 5)))

    writers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in writers:
        one.start()
    failed = set()
    while any(one.is_alive() for one in writers):
        seal(ledger, tmp_path)
        failed |= set(verified(ledger, tmp_path).failed)
    seal(ledger, tmp_path)
    after = verified(ledger, tmp_path)
    assert failed == set()
    assert after.failed == ()
    assert after.size == after.records == count(ledger, "audit.record")
    assert count(ledger, "audit.record WHERE kind = 'api_call'") == 1000
    assert count(ledger, "audit.seal") > 2
