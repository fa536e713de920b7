"""A ledger with one run and some cases, written without the night that would open them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.conftest import Ledger

CONN_ID = "review_ledger"


@dataclass(frozen=True)
class Run:
    """One run of the ledger and its cases."""

    ledger: Ledger
    run_id: int

    def open_cases(self, number: int) -> list[int]:
        """Open cases of this run and return their ids."""
        with self.ledger.connect("admin") as connection:
            return [
                row[0]
                for row in connection.execute(
                    """INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title,
                         evidence_hash, handover, opened_run)
                       SELECT 'invoice_reconciliation', 'invoice', %s * 100000 + n, 'key', 'ap_clerk', '1000', 'case',
                         '\\x00', '{}', %s FROM generate_series(1, %s) AS n RETURNING case_id""",
                    (self.run_id, self.run_id, number),
                )
            ]

    def set_state(self, case_ids: Sequence[int], state: str, *, notify: bool = True) -> None:
        """Move cases to a state, and say so on the channel like the ledger's functions do."""
        with self.ledger.connect("admin") as connection:
            connection.execute(
                "UPDATE review.case SET state = %s WHERE case_id = ANY (%s)", (state, list(case_ids))
            )
            if notify:
                for case_id in case_ids:
                    connection.execute("SELECT pg_notify('backoffice_review', %s::text)", (case_id,))


def open_run(ledger: Ledger, name: str = "run 1") -> Run:
    with ledger.connect("app") as connection:
        row = connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', %s, false, '{}', '0.1.0')",
            (name,),
        ).fetchone()
    assert row is not None
    return Run(ledger, row[0])


@pytest.fixture
def run(ledger: Ledger) -> Run:
    return open_run(ledger)


@pytest.fixture
def conn_id(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an Airflow connection to the ledger, as the tasks' role."""
    parts = conninfo_to_dict(ledger.dsn("app"))
    monkeypatch.setenv(
        f"AIRFLOW_CONN_{CONN_ID.upper()}",
        f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{parts['dbname']}",
    )
    return CONN_ID
