"""Whatever is cleared, run again, run twice at once or split over nights: the books end the same."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import requests
from tests import dump
from tests.answering import answer_all, decide, open_cases
from tests.books import Books
from tests.copies import Copies
from tests.killing import run_operator
from tests.night import connection_json, environment, http_json, run_night

from backoffice.exceptions import BackofficeError
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


# -- answers whose run is gone --------------------------------------------------------------------------------------------


def answered(works: Works, read: str) -> tuple[str, int]:
    """A ledger whose first run was failed, cleared or deleted while people answered: no later task of it ever runs."""
    database = works.copy(read)
    with works.at(database):
        run_all(LATE, "first")
        run_all(LATE, "second")
    return database, works.answer(database)


BOOKED_TWICE = """
SELECT count(*) FROM (SELECT r.subject, convert_from(r.body, 'UTF8')::jsonb ->> 'answer_id' FROM audit.record r
  WHERE r.kind = 'path' AND convert_from(r.body, 'UTF8')::jsonb ->> 'step' = 'answer booked' GROUP BY 1, 2 HAVING count(*) > 1) AS twice
"""
BOOKED = "SELECT count(*) FROM review.answer WHERE booked_at IS NOT NULL"


@pytest.mark.parametrize(
    "who", ["the next run", "housekeeping", "both at once", "two housekeepings", "the run after all"]
)
def test_an_answer_without_its_run_is_booked_once(
    works: Works, read: str, undisturbed: dump.Dump, who: str
) -> None:
    database, cases = answered(works, read)
    assert cases > 5

    def next_run() -> None:
        run_all((*LATE, "act_on_answers"), "second")

    def housekeeping() -> None:
        run_one("keep_house", "tidy")

    jobs: dict[str, tuple[Callable[[], None], ...]] = {
        "the next run": (next_run,), "housekeeping": (housekeeping,), "both at once": (next_run, housekeeping),
        "two housekeepings": (housekeeping, lambda: run_one("keep_house", "tidy too")),
        "the run after all": (lambda: run_one("act_on_answers", "first"), next_run),
    }  # fmt: skip
    with works.at(database):
        at_once(*jobs[who])
        assert works.one(database, BOOKED) == cases
        housekeeping()
        run_one("act_on_answers", "first")
        next_run()
    assert works.one(database, BOOKED) == cases
    assert works.one(database, BOOKED_TWICE) == 0
    finish(works, database)
    wanted, found = (
        {name: side[name] for name in MONEY if name != "outbox"}
        for side in (undisturbed, works.books(database))
    )
    expect_same(wanted, found, f"answers booked by {who}")


# -- a source that is down ------------------------------------------------------------------------------------------------

OPEN_CASES = "SELECT c.subject_key, c.role FROM review.\"case\" c WHERE c.state = 'open'"
TOUCHED_BY_NO_RECEIPT = """
SELECT e.business_key FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id)
WHERE NOT EXISTS (SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o USING (order_line_id) WHERE l.invoice_id = i.invoice_id AND o.match_type = 3)
"""


@pytest.fixture(scope="module")
def one_night(works: Works) -> Iterator[str]:
    """A ledger after one undisturbed night and the next, without answers."""
    with works.scratch(works.empty) as database:
        with works.at(database):
            for run_id in ("first", "second"):
                expect_success(run_night(run_id))
        yield database


def expect_success(results: Mapping[str, Any]) -> None:
    failed = {task: str(result) for task, result in results.items() if isinstance(result, BaseException)}
    assert failed == {}


@pytest.mark.parametrize("service", ["warehouse", "erp", "mailbox"])
def test_a_source_that_is_down_only_delays(works: Works, one_night: str, service: str) -> None:
    """No case because of it, everything else booked, and the next night ends as if nothing had happened."""
    with works.scratch(works.empty) as database, works.at(database):
        works.disturb(service, "down")
        try:
            results = run_night("first")
        finally:
            works.disturb(service, "none")
        failed = {task for task, result in results.items() if isinstance(result, BaseException)}
        down = {"warehouse": {"receipts"}, "erp": {"suppliers", "orders"}, "mailbox": {"invoices"}}[service]
        assert failed == {f"{verb}_{name}" for verb in ("ingest", "check") for name in down}
        undisturbed = rows(works, one_night, OPEN_CASES)
        assert rows(works, database, OPEN_CASES) <= undisturbed, (
            "a case that an undisturbed night would not have opened"
        )
        if service == "warehouse":
            without_receipts = rows(works, one_night, TOUCHED_BY_NO_RECEIPT)
            assert without_receipts
            assert rows(works, database, TOUCHED_BY_NO_RECEIPT) == without_receipts, (
                "not everything else was booked"
            )
            assert (
                works.one(
                    database, "SELECT count(*) FROM ledger.invoice_status WHERE state = 'waiting_source'"
                )
                > 0
            )
        assert (
            works.one(
                database,
                "SELECT count(*) FROM ledger.hold h JOIN ledger.hold_code c USING (code) WHERE c.depends_on = ANY (%s)",
                list(down),
            )
            == 0
        )
        expect_success(run_night("second"))
        expect_same(works.books(one_night), works.books(database), f"the night after {service} was down")


def test_a_master_record_that_is_refused_floods_nobody(works: Works, one_night: str) -> None:
    """The supplier list alone does not arrive on the first night: nobody is asked about unknown suppliers."""
    with works.scratch(works.empty) as database, works.at(database):
        run_all(("open_run", *[task_id for task_id in READING if "suppliers" not in task_id], *LATE), "first")
        assert rows(works, database, OPEN_CASES) <= rows(works, one_night, OPEN_CASES)
        expect_success(run_night("second"))
        expect_same(
            works.books(one_night), works.books(database), "the night after the suppliers were missing"
        )


def rows(works: Works, database: str, query: str) -> set[tuple[Any, ...]]:
    with works.connect(database, "auditor") as connection:
        return set(connection.execute(query).fetchall())


# -- the same documents over several nights -------------------------------------------------------------------------------

LINES = """
SELECT o.entity || '/' || o.po_number || '/' || o.po_line, o.quantity - g.received_quantity, g.received_quantity, g.billed_quantity, g.billed_value - g.received_value
FROM ledger.gr_ir g JOIN purchasing.order_line o USING (order_line_id)
"""
ITEMS = "SELECT encode(i.content_hash, 'hex'), n.amount, n.currency FROM ledger.open_item n JOIN purchasing.invoice i USING (invoice_id) WHERE n.closed_by_entry IS NULL"
REPEATS = "SELECT encode(i.content_hash, 'hex'), h.facts ->> 'other_sha256' FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) WHERE h.code LIKE 'DUP%'"
PAYABLE = "SELECT coalesce(sum(l.credit - l.debit), 0) FROM ledger.journal_line l JOIN ledger.account_role a ON a.account = l.account AND a.role = 'accounts_payable'"


@dataclasses.dataclass(frozen=True)
class Position:
    """What must not depend on how the documents were split over nights.

    :param lines: Per order line: open, received and billed quantity, balance of GR/IR.
    :param items: Open items; of documents that repeat each other one, by the first of their hashes.
    """

    lines: dict[str, tuple[Decimal, ...]]
    items: dict[str, tuple[Decimal, str]]


def position(works: Works, database: str, groups: Mapping[str, str]) -> Position:
    lines = {key: values for key, *values in rows_in_order(works, database, LINES)}
    items: dict[str, tuple[Decimal, str]] = {}
    for sha, amount, currency in rows_in_order(works, database, ITEMS):
        items.setdefault(groups.get(sha, sha), (amount, currency))
    return Position({key: tuple(values) for key, values in lines.items()}, items)


def rows_in_order(works: Works, database: str, query: str) -> list[tuple[Any, ...]]:
    with works.connect(database, "auditor") as connection:
        return sorted(connection.execute(query).fetchall())


def repeat_groups(works: Works, *databases: str) -> dict[str, str]:
    """Return for each document that repeats another, or is repeated, the name of its group."""
    parent: dict[str, str] = {}

    def root(sha: str) -> str:
        while parent.setdefault(sha, sha) != sha:
            sha = parent[sha]
        return sha

    for database in databases:
        for one, other in rows(works, database, REPEATS):
            first, second = sorted((root(one), root(other)))
            parent[second] = first
    return {sha: root(sha) for sha in parent}


@pytest.mark.parametrize(("nights", "seed"), [(2, 1), (5, 2)])
def test_split_over_nights(postgres: str, ledger_template: str, tmp_path, nights: int, seed: int) -> None:
    """Documents that become visible over several nights of one business day end in the same position as in one night."""
    company = generate(30 + seed, 36, "realistic", ANCHOR)
    chance = random.Random(seed)
    moments = sorted(
        {*(one.updated_at for one in company.documents), *(one.updated_at for one in company.receipts)}
    )
    cuts = [*sorted(chance.sample(moments[5:-1], nights - 1)), START]
    with works_of(company, postgres, ledger_template, tmp_path) as works:
        whole, split = works.copy(works.empty), works.copy(works.empty)
        with works.at(whole):
            expect_success(run_night("whole"))
        for at, cut in enumerate(cuts):
            works.clock.set(cut)
            with works.at(split):
                expect_success(run_night(f"part-{at}"))
            assert works.one(split, HELD_AND_PROPOSED) == 0
        groups = repeat_groups(works, whole, split)
        one, many = position(works, whole, groups), position(works, split, groups)
        changed = {
            key
            for (key,) in rows(
                works,
                whole,
                "SELECT business_key FROM purchasing.master_version WHERE kind = 'order_line' AND version_no > 1",
            )
        }
        changed |= {
            key
            for (key,) in rows(
                works,
                split,
                "SELECT business_key FROM purchasing.master_version WHERE kind = 'order_line' AND version_no > 1",
            )
        }
        assert {key: values for key, values in one.lines.items() if key not in changed} == {
            key: values for key, values in many.lines.items() if key not in changed
        }
        assert one.items == many.items
        assert len(changed) < len(one.lines) / 5


@pytest.fixture
def office(ledger):
    """The application's connection with a company's books, and people's answers through the web log-in."""
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        yield Office(Books(app).open_run(), web)


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

    def answer(self, role: str, user: str, action: str = "accept") -> None:
        """Let a person answer the open case of a role."""
        case = next(case for case in open_cases(self.web) if case["role"] == role)
        decide(self.web, case, user, action)

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


NOBODYS_ORDER = {"created_by": None}


def test_a_machine_decision_between_an_answer_and_its_booking_takes_nothing_away(office: Office) -> None:
    """A person accepts; before the answer is booked the next night decides again; the invoice is paid all the same."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10, **NOBODYS_ORDER)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 11)])
    office.night()
    office.answer("buyer", "buyer")
    office.night("night-2")
    assert office.act() == {"booked": 1, "stale": 0}
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("1188.00")]


def test_who_accepts_a_receipt_has_not_approved_an_amount_above_the_machines_limit(office: Office) -> None:
    """Above 100000.00 nothing received: the receiver accepts that, and the manager is asked for the amount all the same."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 1000, gr_based=True, **NOBODYS_ORDER)
    books.invoice("R-1", [("PO-1", 1, 100, 1000)])
    office.night()
    assert office.cases() == [("receiver", "open")]
    office.answer("receiver", "manager")
    assert office.act() == {"booked": 1, "stale": 0}
    assert books.entries("R-1") == []
    assert office.proposed() == []
    office.night("night-2")
    assert office.cases() == [("receiver", "settled"), ("ap_manager", "open")]
    office.answer("ap_manager", "manager")
    office.act()
    assert office.proposed() == [Decimal("120000.00")]


@pytest.mark.parametrize("first", ["amount approved before", "amount approved after"])
def test_an_approved_amount_is_paid_when_facts_clear_the_rest(office: Office, first: str) -> None:
    """Above the machine's limit, with a price hold that a later version of the order clears: no dead end, no second question."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 1000, **NOBODYS_ORDER)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 1100)])
    office.night()
    assert sorted(office.cases()) == [("ap_manager", "open"), ("buyer", "open")]
    if first == "amount approved before":
        office.answer("ap_manager", "manager")
        office.act()
        assert books.status("R-1") == ("held", True, True)
    books.order("PO-1", 1, 100, 1100, version=2, **NOBODYS_ORDER)
    office.night("night-2")
    if first == "amount approved after":
        assert books.status("R-1") == ("held", False, None)
        office.answer("ap_manager", "manager")
        office.act()
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("132000.00")]
    assert books.connection.execute(
        "SELECT count(*) FROM ledger.journal_entry WHERE event = 'invoice'"
    ).fetchone() == (1,)


def test_an_approved_amount_that_was_parked_for_another_reason_is_booked_when_that_falls(
    office: Office,
) -> None:
    """Above the limit and its order unknown: the manager approves the amount, the order arrives, the machine books."""
    books = office.books
    books.supplier()
    books.invoice("R-1", [("PO-1", 1, 100, 1000)])
    office.night()
    assert sorted(office.cases()) == [("ap_manager", "open"), ("buyer", "open")]
    office.answer("ap_manager", "manager")
    office.act()
    assert books.entries("R-1") == []
    books.order("PO-1", 1, 100, 1000, **NOBODYS_ORDER)
    books.receive("PO-1", 1, 100)
    office.night("night-2")
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("120000.00")]


def test_an_answer_that_the_facts_overtook_is_void_and_fails_no_run(office: Office) -> None:
    """A buyer accepts a price; overnight the order changes again; the night ties, the answer books nothing, the buyer is asked anew."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10, **NOBODYS_ORDER)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 12)])
    office.night()
    office.answer("buyer", "buyer")
    books.order("PO-1", 1, 100, 11, version=2, **NOBODYS_ORDER)
    office.night("night-2")
    assert office.failed_checks() == []
    assert office.act() == {"booked": 0, "stale": 1}
    assert office.proposed() == []
    office.night("night-3")
    assert office.failed_checks() == []
    assert office.cases() == [("buyer", "open")]
    case = open_cases(office.web)[0]
    decide(office.web, case, "buyer", "accept", key="a second look")
    assert office.act() == {"booked": 1, "stale": 0}
    assert office.proposed() == [Decimal("1440.00")]


def test_facts_that_nobody_compared_yet_are_not_paid_on_an_old_answer(office: Office) -> None:
    """A duplicate is accepted while a new version of its order waits for the match: booked, blocked until it was compared."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10, match_type=2, **NOBODYS_ORDER)
    books.order("PO-1", 2, 100, 10, match_type=2, **NOBODYS_ORDER)
    books.invoice("R-1", [("PO-1", 1, 10, 10)])
    office.night()
    books.invoice("R-1", [("PO-1", 2, 10, 10)], payee_iban="DE2")
    office.night("night-1b")
    office.answer("ap_clerk", "clerk")
    books.open_run("night-2")
    books.order("PO-1", 2, 100, 5, version=2, match_type=2, **NOBODYS_ORDER)
    books.accept()
    books.connection.commit()
    assert office.act()["booked"] == 1
    assert len(office.proposed()) == 1, "paid at a price that its order does not say any more"
    office.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}
    assert len(office.proposed()) == 1


# -- effects --------------------------------------------------------------------------------------------------------------


def test_an_effect_that_is_refused_for_good_holds_up_no_other(works: Works) -> None:
    """The receiver refuses one message: the others go out once, and each call says what is refused."""
    with works.scratch(works.empty) as database, works.at(database):
        with works.connect(database, "admin") as connection:
            connection.execute(
                "INSERT INTO ops.outbox (idempotency_key, destination, payload) VALUES ('a', 'supplier_message', '{}'), "
                "('b', 'nowhere', '{}'), ('c', 'supplier_message', '{\"supplier_id\": \"S1\", \"subject\": \"x\", \"body\": \"y\"}')"
            )
        for _ in range(2):
            result = run_operator("keep_house", "tidy")
            assert isinstance(result, BackofficeError), result
            assert "2 are refused" in str(result)
        assert works.books(database, "outbox")["outbox"][-1].endswith("True")
        assert works.one(database, "SELECT count(*) FROM ops.outbox WHERE sent_at IS NOT NULL") == 1


# -- small books, many ways -----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Paper:
    """One document of a small book and how it is put in."""

    kind: str
    values: tuple[Any, ...]
    more: tuple[tuple[str, Any], ...] = ()

    def put(self, books: Books) -> None:
        """Stage it."""
        getattr(books, self.kind)(*self.values, **dict(self.more))


def small_book(chance: random.Random) -> tuple[list[Paper], list[Paper]]:
    """Return orders, and receipts and invoices on them: partial, over-delivered, over-billed, credited, at prices with many decimals."""
    orders, papers = [], []
    for at in range(1, 4):
        price = Decimal(chance.choice(["10", "0.335", "0.005", "3.3333", "7.77", "0.004", "12.345678"]))
        base = Decimal(chance.choice(["1", "1", "100"]))
        match_type = chance.choice([2, 3, 3, 3])
        more = {
            "price_base_quantity": base,
            "match_type": match_type,
            "gr_based": match_type == 3 and chance.random() < 0.3,
            "created_by": None,
        }
        orders.append(Paper("order", ("PO-1", at, chance.choice([10, 30, 100]), price), tuple(more.items())))
        for n in range(chance.randrange(4)):
            quantity = chance.choice([1, 3, 7, 10, 33])
            papers.append(
                Paper(
                    "receive",
                    ("PO-1", at, quantity, f"GR-{at}-{n}"),
                    (("received_at", datetime(2026, 11, 10 + n, 8, tzinfo=UTC)),),
                )
            )
        for n in range(chance.randrange(4)):
            quantity = chance.choice([1, 2, 5, 10, 30])
            billed = (price / base * chance.choice([Decimal(1), Decimal(1), Decimal("1.5")])).quantize(
                Decimal("0.000001")
            )
            kind = "credit_note" if chance.random() < 0.2 else "invoice"
            day = date(2026, 11, chance.randrange(1, 19))
            papers.append(
                Paper(kind, (f"{at}{kind[0]}{n}", [("PO-1", at, quantity, billed)]), (("invoice_date", day),))
            )
    return orders, papers


POSITION = """
SELECT o.po_line, g.received_quantity, g.billed_quantity, g.billed_value - g.received_value,
  (SELECT sum(n.amount) FROM ledger.open_item n JOIN purchasing.invoice_line l USING (invoice_id) WHERE l.order_line_id = g.order_line_id)
FROM ledger.gr_ir g JOIN purchasing.order_line o USING (order_line_id) WHERE (g.received_quantity, g.billed_quantity) <> (0, 0) ORDER BY 1
"""
CREDITED_TOO_MUCH = "SELECT DISTINCT o.po_line FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.order_line o USING (order_line_id) WHERE h.code = 'CREDIT_EXCESS'"


@pytest.mark.parametrize("seed", range(30))
def test_small_books_in_one_night_or_in_several(ledger, seed: int) -> None:
    """Per order line billed, received, GR/IR and what is payable do not depend on the night in which a document came.

    Left out are lines on which more was credited than billed at some time: which of the credits is parked is then a
    question of which came first, and people decide it.
    """
    chance = random.Random(seed)
    orders, papers = small_book(chance)
    ways = {
        "one night": [papers],
        "several nights": split(papers, chance),
        "other nights": split(papers, chance),
    }
    found, left_out = {}, set()
    for way, nights in ways.items():
        with ledger.connect("app") as connection:
            books = Books(connection).open_run("night-0")
            books.supplier()
            for order in orders:
                order.put(books)
            for at, batch in enumerate(nights):
                books.open_run(f"night-{at}")
                for paper in batch:
                    paper.put(books)
                books.night()
                assert connection.execute(HELD_AND_PROPOSED).fetchone() == (0,)
            found[way] = dict((line, values) for line, *values in connection.execute(POSITION))
            left_out |= {line for (line,) in connection.execute(CREDITED_TOO_MUCH)}
            connection.rollback()
    comparable = {
        way: {line: values for line, values in lines.items() if line not in left_out}
        for way, lines in found.items()
    }
    assert comparable["several nights"] == comparable["one night"], papers
    assert comparable["other nights"] == comparable["one night"], papers


def split(papers: Sequence[Paper], chance: random.Random) -> list[list[Paper]]:
    """Deal papers to two to five nights by chance."""
    nights: list[list[Paper]] = [[] for _ in range(chance.randrange(2, 6))]
    for paper in papers:
        chance.choice(nights).append(paper)
    return nights
