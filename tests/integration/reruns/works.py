"""A company over HTTP, ledgers that read it, and a small office with people: what the tests of this folder work with."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import requests
from tests import dump
from tests.answering import answer_all, decide, open_cases
from tests.books import Books
from tests.copies import Copies
from tests.killing import run_operator
from tests.night import connection_json, environment, http_json

from backoffice.sandbox.generator import Company
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

ANCHOR = date(2026, 11, 20)
START = datetime(2026, 11, 21, tzinfo=UTC)
LOGIN = ("backoffice", "sandbox-test-only")
READING = tuple(
    f"{verb}_{name}"
    for verb in ("ingest", "check")
    for name in ("suppliers", "orders", "receipts", "invoices")
)
LATE = ("accept_documents", "match_invoices", "decide_invoices", "post_entries", "open_cases", "report")
MONEY = (
    "order lines", "receipts", "invoices", "quarantine", "waiting for a match", "waiting for an entry", "line states", "invoice states",
    "open holds", "journal", "GR/IR", "open items", "payment proposals", "outbox", "entries in the audit trail",
)  # fmt: skip
HELD_AND_PROPOSED = """
SELECT count(*) FROM ledger.payment_proposal p JOIN ledger.hold h USING (invoice_id)
WHERE p.state = 'proposed' AND h.released_at IS NULL AND h.effect IN ('B', 'P')
"""


class Works(Copies):
    """A company over HTTP and ledgers that read it.

    :param empty: A migrated ledger on the company's day that has read nothing.
    """

    empty = ""

    def __init__(self, admin: str, url: str, clock: SandboxClock, base: Mapping[str, str]) -> None:
        super().__init__(admin)
        self.url, self.clock, self.base = url, clock, dict(base)

    @contextmanager
    def at(self, database: str) -> Iterator[None]:
        """Let operators work on this ledger."""
        ledger = {"AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(self.dsn(database, "app"))}
        with environment({**self.base, **ledger}):
            yield

    def answer(self, database: str) -> int:
        """Let people answer what is open."""
        with self.connect(database, "web") as web:
            return answer_all(web)

    def books(self, database: str, *sections: str) -> dump.Dump:
        """Return the outcome, or some sections of it."""
        with self.connect(database, "auditor") as connection:
            found = dump.books(connection)
        return {name: found[name] for name in sections or found}

    def one(self, database: str, query: str, *values: object) -> Any:
        """Return the first value of a query."""
        with self.connect(database, "auditor") as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def disturb(self, service: str, mode: str) -> None:
        """Break a source, or with mode none let it work again."""
        requests.post(
            f"{self.url}/admin/outage", json={"service": service, "mode": mode}, auth=LOGIN, timeout=10
        ).raise_for_status()


@contextmanager
def works_of(company: Company, postgres: str, template: str, folder: Any) -> Iterator[Works]:
    """Serve a company and prepare an empty ledger for it."""
    clock = SandboxClock(START, frozen=True)
    with ExitStack() as stack:
        url = stack.enter_context(running(company, Credentials(*LOGIN), clock))
        base = {
            f"AIRFLOW_CONN_BACKOFFICE_{name}": http_json(url, *LOGIN)
            for name in ("ERP", "WAREHOUSE", "MAILBOX")
        }
        base |= {
            "AIRFLOW__BACKOFFICE__REPORT_DIR": str(folder / "reports"),
            "AIRFLOW__BACKOFFICE__GATE_DIR": str(folder / "gates"),
        }
        works = Works(postgres, url, clock, base)
        stack.callback(works.drop_all)
        works.empty = works.copy(template)
        with works.connect(works.empty, "admin") as connection:
            connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (ANCHOR,))
        yield works


def run_all(task_ids: Sequence[str], run_id: str) -> None:
    """Run operators in order; none may fail."""
    for task_id in task_ids:
        run_one(task_id, run_id)


def run_one(task_id: str, run_id: str) -> None:
    result = run_operator(task_id, run_id)
    assert not isinstance(result, BaseException), f"{task_id} of {run_id}: {result!r}"


def finish(works: Works, database: str, last: str = "second") -> None:
    """Bring both runs to their end; people answer when both have looked at everything, and the last run books that."""
    with works.at(database):
        run_all(LATE, "first")
        for _ in range(2):
            run_all(LATE, last)
            works.answer(database)
            run_one("act_on_answers", last)
        run_all(LATE, last)


def expect_same(expected: dump.Dump, found: dump.Dump, what: str) -> None:
    assert found == expected, f"{what}:\n{dump.differences(expected, found)}"


def expect_success(results: Mapping[str, Any]) -> None:
    failed = {task: str(result) for task, result in results.items() if isinstance(result, BaseException)}
    assert failed == {}


def rows(works: Works, database: str, query: str) -> set[tuple[Any, ...]]:
    with works.connect(database, "auditor") as connection:
        return set(connection.execute(query).fetchall())


def at_once(*jobs: Callable[[], None]) -> None:
    """Run jobs in threads that start together; the first error of any fails the test."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def work(job: Callable[[], None]) -> None:
        barrier.wait(30)
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "two runs wait for each other"
    if errors:
        raise errors[0]


def chance_run(seed: int, run_id: str, task_ids: Sequence[str]) -> Callable[[], None]:
    def job() -> None:
        chance = random.Random(seed)
        for task_id in task_ids:
            run_one(task_id, run_id)
            if chance.random() < 0.4:
                run_one(chance.choice(task_ids[: task_ids.index(task_id) + 1]), run_id)

    return job


class Office:
    """Nights by hand, with people."""

    def __init__(self, books: Books, web: psycopg.Connection[Any]) -> None:
        self.books, self.web = books, web

    def night(self, name: str = "") -> None:
        """Run a night, of a new run if it has a name."""
        if name:
            self.books.open_run(name)
        self.books.night()
        self.books.connection.commit()

    def answer(self, role: str, user: str, action: str = "accept", **changed: Any) -> None:
        """Let a person answer the open case of a role."""
        case = next(case for case in open_cases(self.web) if case["role"] == role)
        decide(self.web, case, user, action, **changed)

    def act(self) -> dict[str, int]:
        """Book what is answered."""
        row = self.books.connection.execute(
            "SELECT booked, stale FROM review.book_answers(%s, 'invoice_reconciliation')",
            (self.books.run_id,),
        ).fetchone()
        self.books.connection.commit()
        return {"booked": row[0], "stale": row[1]}

    def proposed(self) -> list[Decimal]:
        """Amounts that are proposed for payment."""
        return [
            row[0]
            for row in self.books.connection.execute(
                "SELECT amount FROM ledger.payment_proposal WHERE state = 'proposed' ORDER BY 1"
            )
        ]

    def cases(self) -> list[tuple[str, str]]:
        """Role and state of every case."""
        return self.books.connection.execute(
            'SELECT role, state FROM review."case" ORDER BY case_id'
        ).fetchall()

    def failed_checks(self) -> list[str]:
        """Checks of the run's report that do not hold."""
        row = self.books.connection.execute("SELECT ops.check_run(%s)", (self.books.run_id,)).fetchone()
        return [check["check"] for check in row[0] if not check["ok"]]
