"""Whatever is cleared, run again, run twice at once or split over nights: the books end the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
import requests
from tests import dump
from tests.answering import answer_all, decide, open_cases
from tests.copies import Copies
from tests.killing import run_operator
from tests.night import connection_json, environment, http_json, run_night

from backoffice.sandbox.generator import Company, generate
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

pytestmark = pytest.mark.integration

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
            connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (ANCHOR,))
        yield works


@pytest.fixture(scope="module")
def works(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with works_of(
        generate(9, 30, "realistic", ANCHOR), postgres, ledger_template, tmp_path_factory.mktemp("works")
    ) as made:
        yield made


@pytest.fixture(scope="module")
def read(works: Works) -> str:
    """Two runs have read and judged everything; neither has accepted anything."""
    database = works.copy(works.empty)
    with works.at(database):
        for run_id in ("first", "second"):
            run_all(("open_run", *READING), run_id)
    return database


@pytest.fixture(scope="module")
def undisturbed(works: Works, read: str) -> dump.Dump:
    """The books after both runs and the answers, one after the other."""
    with works.scratch(read) as database:
        finish(works, database)
        return works.books(database)


def run_all(task_ids: Sequence[str], run_id: str) -> None:
    """Run operators in order; none may fail."""
    for task_id in task_ids:
        run_one(task_id, run_id)


def run_one(task_id: str, run_id: str) -> None:
    result = run_operator(task_id, run_id)
    assert not isinstance(result, BaseException), f"{task_id} of {run_id}: {result!r}"


def finish(works: Works, database: str) -> None:
    """Bring both runs to their end; people answer when both have looked at everything."""
    with works.at(database):
        run_all(LATE, "first")
        run_all(LATE, "second")
        works.answer(database)
        run_one("act_on_answers", "second")
        run_all(LATE, "second")
        works.answer(database)
        run_one("act_on_answers", "second")
        run_all(LATE, "second")


def expect_same(expected: dump.Dump, found: dump.Dump, what: str) -> None:
    assert found == expected, f"{what}:\n{dump.differences(expected, found)}"


# -- in any order ---------------------------------------------------------------------------------------------------------


def test_a_further_run_with_nothing_new_changes_nothing(works: Works, read: str) -> None:
    with works.scratch(read) as database:
        finish(works, database)
        with works.connect(database, "auditor") as connection:
            before = dump.history(connection)
        with works.at(database):
            run_night("third")
            run_all((*LATE, "act_on_answers"), "first")
            run_one("keep_house", "tidy")
        with works.connect(database, "auditor") as connection:
            after = dump.history(connection)
        # housekeeping sends what the answers ordered
        for way in (before, after):
            way["outbox"] = [line.removesuffix("True").removesuffix("False") for line in way["outbox"]]
            way["audit trail"] = [line for line in way["audit trail"] if not line.startswith("outbox:")]
        expect_same(before, after, "a third run, all tasks of the first again, housekeeping")


@pytest.mark.parametrize("seed", range(10))
def test_tasks_of_two_runs_in_any_order(works: Works, read: str, undisturbed: dump.Dump, seed: int) -> None:
    """Two runs advance in turns of chance; at any moment any task that ran before is cleared and runs again."""
    chance = random.Random(seed)
    with works.scratch(read) as database, works.at(database):
        done: dict[str, list[str]] = {"first": [], "second": []}
        while any(len(tasks) < len(LATE) for tasks in done.values()):
            run_id = chance.choice([name for name, tasks in done.items() if len(tasks) < len(LATE)])
            task_id = LATE[len(done[run_id])]
            run_one(task_id, run_id)
            done[run_id].append(task_id)
            for _ in range(chance.choice([0, 0, 1, 2])):
                again = chance.choice([name for name, tasks in done.items() if tasks])
                run_one(chance.choice(done[again]), again)
            assert works.one(database, HELD_AND_PROPOSED) == 0
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"two runs in the order of chance {seed}")


@pytest.mark.parametrize("seed", range(3))
def test_readings_are_cleared_too(works: Works, undisturbed: dump.Dump, seed: int) -> None:
    """A night in which any task, also a reading or a gate, may run again at any moment; the next night makes up for it."""
    chance = random.Random(seed)
    order = ("open_run", *READING, *LATE)
    with works.scratch(works.empty) as database, works.at(database):
        for at, task_id in enumerate(order):
            run_operator(
                task_id, "first"
            )  # a gate whose reading was cleared without it may refuse, as in a real night
            for _ in range(chance.choice([0, 0, 1])):
                run_operator(chance.choice(order[: at + 1]), "first")
        run_all(("open_run", *READING), "second")
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"cleared readings, chance {seed}")


# -- at once --------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("seed", range(4))
def test_two_runs_at_once(works: Works, read: str, undisturbed: dump.Dump, seed: int) -> None:
    with works.scratch(read) as database, works.at(database):
        at_once(*(chance_run(10 * seed + n, run_id, LATE) for n, run_id in enumerate(("first", "second"))))
        assert works.one(database, HELD_AND_PROPOSED) == 0
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"two runs at once, {seed}")


@pytest.mark.parametrize("task_id", ["open_run", "ingest_orders", "ingest_invoices", "check_orders", *LATE])
def test_two_attempts_of_one_task_at_once(
    works: Works, read: str, undisturbed: dump.Dump, task_id: str
) -> None:
    """A worker that was given up for lost goes on beside its successor."""
    order = LATE if task_id in LATE else ("open_run", *READING)
    at = order.index(task_id)
    with works.scratch(read if task_id in LATE else works.empty) as database, works.at(database):
        run_all(order[:at], "first")
        results: list[Any] = []
        at_once(*[lambda: results.append(run_operator(task_id, "first"))] * 2)
        errors = [result for result in results if isinstance(result, BaseException)]
        assert len(errors) < 2, errors
        if task_id not in LATE:
            run_all(order[at + 1 :], "first")
            run_all(("open_run", *READING), "second")
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"two attempts of {task_id}")


@pytest.mark.parametrize("seed", range(3))
def test_people_runs_and_housekeeping_at_once(
    works: Works, read: str, undisturbed: dump.Dump, seed: int
) -> None:
    """People answer while two runs and the housekeeping work on the same cases."""
    with works.scratch(read) as database, works.at(database):
        run_all(LATE, "first")
        hurry = threading.Event()

        def people() -> None:
            with works.connect(database, "web") as web:
                for case in open_cases(web):
                    answer_one(web, case, random.Random(seed))
            hurry.set()

        def housekeeping() -> None:
            while not hurry.wait(0.02):
                run_one("keep_house", "tidy")

        again = (
            "match_invoices",
            "decide_invoices",
            "post_entries",
            "open_cases",
            "report",
            "act_on_answers",
        )
        at_once(
            people,
            housekeeping,
            chance_run(seed, "first", again),
            chance_run(seed + 5, "second", (*LATE, "act_on_answers")),
        )
        finish(works, database)
        with works.at(database):
            run_one("keep_house", "tidy")
        found, wanted = works.books(database, *MONEY), {name: undisturbed[name] for name in MONEY}
        for side in (found, wanted):
            side["outbox"] = [line.rpartition(" | ")[0] for line in side["outbox"]]
        expect_same(wanted, found, f"people at work, {seed}")
        unbooked = works.one(database, "SELECT count(*) FROM review.answer WHERE final AND booked_at IS NULL")
        assert unbooked == 0


def answer_one(web: psycopg.Connection[Any], case: Mapping[str, Any], chance: random.Random) -> None:
    from tests.answering import action_for, people_for

    time.sleep(chance.random() * 0.05)
    for user in people_for(case):
        try:
            decide(web, case, user, action_for(case))
            web.commit()
        except psycopg.Error as error:
            web.rollback()
            if error.sqlstate != "BO409":  # the facts changed or somebody was faster: look again next time
                raise
