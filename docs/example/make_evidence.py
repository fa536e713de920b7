"""Make ``docs/example/evidence.zip``: an evidence pack of a made-up company, the same bytes each time.

    python docs/example/make_evidence.py [ZIP]

Two nights of the sandbox company by the real tasks, an answer of a buyer between them, and a checkpoint. The
server is thrown away afterwards. So that the bytes repeat, its clock is one that is set by hand, its random
numbers are none, and the log is signed by a key that everybody knows: nothing here is worth believing but the
form.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import psycopg
import time_machine
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "example" / "evidence.zip"
ANCHOR = date(2026, 11, 20)
SEED, SIZE, MIX = 7, 24, "realistic"
USER = PASSWORD = "example"  # noqa: S105 - of a server that lives for half a minute
ORIGIN = "backoffice.example/log"
PRIVATE = bytes(range(32))
INSTALLED, FIRST, ANSWERED, SECOND, SEALED, MADE = (
    f"2026-11-{moment}+00"
    for moment in ("20 22:00", "21 02:00", "23 09:12", "24 02:00", "24 02:05", "24 08:00")
)
DELAY = timedelta(minutes=4)  # how old the sources' data is when the nights begin
# What these return comes from a setting, in every database of the server
_CLOCK = """
CREATE OR REPLACE FUNCTION pg_catalog.{name}() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_catalog.current_setting('example.now')::timestamptz
"""
_NOT_RANDOM = """
CREATE OR REPLACE FUNCTION pg_catalog.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN '00000000-0000-4000-8000-000000000000'::uuid
"""


@contextmanager
def example_ledger() -> Iterator[str]:
    """Yield the superuser's DSN of a migrated ledger on a server whose clock is set by ``set_clock``."""
    from backoffice.migrations import LOG_INS, migrate
    from backoffice.runtime.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="backoffice-example-") as folder:
        server = EmbeddedPostgres(Path(folder), fsync=False)
        server.start()
        try:
            set_clock(server.admin_dsn(), INSTALLED)
            with psycopg.connect(server.admin_dsn(), autocommit=True) as connection:
                connection.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
            # what a new database is made from
            with psycopg.connect(server.admin_dsn("template0"), autocommit=True) as connection:
                for name in ("now", "clock_timestamp", "transaction_timestamp", "statement_timestamp"):
                    connection.execute(_CLOCK.format(name=name))
                connection.execute(_NOT_RANDOM)
            migrate(server.admin_dsn(), "backoffice", dict.fromkeys(LOG_INS, PASSWORD), sandbox=True)
            yield server.admin_dsn("backoffice")
        finally:
            server.stop()


def set_clock(dsn: str, moment: str) -> None:
    """Set what time it is for every connection that is opened from now on."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE ALL SET example.now = '{moment}'")


@contextmanager
def at(dsn: str, moment: str) -> Iterator[None]:
    """Let it be this moment for the server and for this program."""
    set_clock(dsn, moment)
    with time_machine.travel(_moment(moment), tick=False):
        yield


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00")


def log_in(dsn: str, role: str) -> str:
    """Return the DSN of a log-in."""
    return make_conninfo(dsn, user=f"backoffice_{role}", password=PASSWORD)


def run_tasks(name: str) -> None:
    """Run the Dag's tasks one after the other, without the sealer and the wait for people."""
    from tests.night import LEFT_OUT, run_task, tasks

    from backoffice.processes.invoice_reconciliation import Reconciliation

    for task in tasks(Reconciliation(synthetic=True)):
        if task.task_id not in LEFT_OUT and task.task_id != "seal_audit_log":
            result = run_task(task, name)
            if isinstance(result, Exception):
                raise result


def answer_a_case(dsn: str) -> str:
    """Let the buyer accept a price that is too high; return the document's name in the ledger."""
    from tests.answering import decide, open_cases

    with psycopg.connect(log_in(dsn, "web")) as web:
        case = next(one for one in open_cases(web) if one["codes"] == ["PRICE"])
        with mock.patch("os.urandom", bytes):
            decide(web, case, "buyer", "accept", reason="Price increase agreed by mail of 12 November")
        row = web.execute(
            'SELECT subject_id FROM review."case" WHERE case_id = %s', (case["case_id"],)
        ).fetchone()
    assert row is not None  # noqa: S101 - the case was read above
    return f"invoice:{row[0]}"


def seal(dsn: str) -> None:
    """Introduce the example's key and sign one checkpoint."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from backoffice.domain.checkpoint import VerifyingKey
    from backoffice.runtime.sealer.seal import introduce, seal_once
    from backoffice.runtime.sealer.signing_key import SigningKey

    private = Ed25519PrivateKey.from_private_bytes(PRIVATE)
    key = SigningKey(private, VerifyingKey.of(ORIGIN, private))
    with psycopg.connect(log_in(dsn, "sealer")) as connection:
        introduce(connection, key)
        seal_once(connection, key, "example", datetime.now(UTC))


def make() -> bytes:
    """Return the bytes of the example."""
    from tests.night import connection_json, environment, http_json

    from backoffice.governance.evidence.pack import pack_reference
    from backoffice.sandbox.generator import generate
    from backoffice.sandbox.server.background import running
    from backoffice.sandbox.server.clock import SandboxClock
    from backoffice.sandbox.server.gate import Credentials

    invented = generate(SEED, SIZE, MIX, ANCHOR)
    clock = SandboxClock(_moment(FIRST) - DELAY, frozen=True)
    with ExitStack() as stack:
        dsn = stack.enter_context(example_ledger())
        url = stack.enter_context(running(invented, Credentials(USER, PASSWORD), clock))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="backoffice-example-"))
        http = http_json(url, USER, PASSWORD)
        stack.enter_context(
            environment(
                {
                    "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(log_in(dsn, "app")),
                    **{f"AIRFLOW_CONN_BACKOFFICE_{name}": http for name in ("ERP", "WAREHOUSE", "MAILBOX")},
                    "AIRFLOW__BACKOFFICE__REPORT_DIR": f"{folder}/reports",
                    "AIRFLOW__BACKOFFICE__GATE_DIR": f"{folder}/gates",
                    "GX_ANALYTICS_ENABLED": "false",
                }
            )
        )
        with at(dsn, FIRST):
            run_tasks("first night")
        clock.set(_moment(SECOND) - DELAY)
        with at(dsn, ANSWERED):
            document = answer_a_case(dsn)
        with at(dsn, SECOND):
            run_tasks("second night")
        with at(dsn, SEALED):
            seal(dsn)
        set_clock(dsn, MADE)
        with psycopg.connect(log_in(dsn, "auditor")) as auditor:
            auditor.read_only = True
            auditor.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            pack = pack_reference(auditor, document)
    if not pack.outcome.valid:
        raise SystemExit("\n".join(pack.outcome.broken))
    return pack.data


def main() -> None:
    """Write the file."""
    sys.path[:0] = [str(ROOT / "plugins"), str(ROOT)]
    os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="backoffice-airflow-"))
    logging.disable(logging.WARNING)
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLE
    file.write_bytes(make())
    print(f"{file}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
