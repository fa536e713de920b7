"""Every operator of a night is killed at each of its steps; run again, the night ends as if nothing had happened.

A child process runs the real operator against a real Postgres and the sandbox company's HTTP server and kills itself with
SIGKILL before or after an SQL statement, a COPY, a commit, an HTTP call or a written file. What is compared is the whole
ledger without surrogate ids and clock times.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from tests import dump
from tests.answering import answer_all
from tests.copies import Copies
from tests.killing import Killer, run_operator
from tests.night import connection_json, environment, http_json

from backoffice.sandbox.generator import Company, Document, generate
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

pytestmark = pytest.mark.integration

ANCHOR = date(2026, 11, 20)
START = datetime(2026, 11, 21, tzinfo=UTC)
LOGIN = ("backoffice", "sandbox-test-only")
SEED, SIZE = 9, 30
DATASETS = ("suppliers", "orders", "receipts", "invoices")
NIGHT = (
    "open_run", *(f"ingest_{name}" for name in DATASETS), *(f"check_{name}" for name in DATASETS), "accept_documents",
    "match_invoices", "decide_invoices", "post_entries", "open_cases", "report", "act_on_answers",
)  # fmt: skip
OPERATORS = (*NIGHT, "keep_house")
# all steps of an operator up to this many; of one with more, those around commits and a sample of the rest
POINTS = {"ingest_orders": 20, "ingest_invoices": 20, "ingest": 6, "check_invoices": 5, "check": 3}
USUAL_POINTS = 24
# after which operators the night is run to its end as well, and how often: a gate costs a second
WHOLE_NIGHTS = {"open_run": 1, "ingest_invoices": 1, "check_orders": 1, "ingest": 0, "check": 0}
USUAL_WHOLE_NIGHTS = 4


class Nights(Copies):
    """An undisturbed night, with a copy of the ledger as it stood before each operator and a dump of it after."""

    def __init__(
        self, admin: str, base: Mapping[str, str], url: str, clock: SandboxClock, killer: Killer
    ) -> None:
        super().__init__(admin)
        self.base, self.url, self.clock, self.killer = dict(base), url, clock, killer
        self.before: dict[str, str] = {}
        self.after: dict[str, dump.Dump] = {}
        self.messages: list[str] = []

    def environment(self, database: str) -> dict[str, str]:
        """Return what a worker's environment says about this ledger."""
        return {**self.base, "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(self.dsn(database, "app"))}

    def calm(self) -> None:
        """Let the company forget what it was told, and put its clock back."""
        self.clock.set(START)
        requests.post(f"{self.url}/admin/reset", auth=LOGIN, timeout=10).raise_for_status()

    def run(self, database: str, *task_ids: str) -> None:
        """Run operators in this process; people answer before the answers are acted upon."""
        with environment(self.environment(database)):
            for task_id in task_ids:
                if task_id in ("act_on_answers", "keep_house"):
                    self.answer(database)
                result = run_operator(task_id, "night-1")
                assert not isinstance(result, BaseException), f"{task_id}: {result}"

    def answer(self, database: str) -> None:
        """Answer what is open; nothing is open a second time."""
        with self.connect(database, "web") as web:
            answer_all(web)

    def dump(self, database: str) -> dump.Dump:
        """Return everything that the ledger says."""
        with self.connect(database, "auditor") as connection:
            return dump.everything(connection)

    def sent(self) -> list[str]:
        """Return the keys of the messages that reached suppliers."""
        answer = requests.get(f"{self.url}/mailbox/outbox", auth=LOGIN, timeout=10)
        return sorted(item["idempotency_key"] for item in answer.json()["items"])


@pytest.fixture(scope="module")
def nights(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("kill")
    clock = SandboxClock(START, frozen=True)
    with ExitStack() as stack:
        url = stack.enter_context(
            running(with_unreadable(generate(SEED, SIZE, "realistic", ANCHOR)), Credentials(*LOGIN), clock)
        )
        base = {
            f"AIRFLOW_CONN_BACKOFFICE_{name}": http_json(url, *LOGIN)
            for name in ("ERP", "WAREHOUSE", "MAILBOX")
        }
        base |= {
            "AIRFLOW__BACKOFFICE__REPORT_DIR": str(folder / "reports"), "AIRFLOW__BACKOFFICE__GATE_DIR": str(folder / "gates"),
            "GX_ANALYTICS_ENABLED": "false",
        }  # fmt: skip
        killer = Killer(folder / "children.log")
        stack.callback(killer.close)
        undisturbed = Nights(postgres, base, url, clock, killer)
        stack.callback(undisturbed.drop_all)
        database = undisturbed.copy(ledger_template)
        with undisturbed.connect(database, "admin") as connection:
            connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (ANCHOR,))
        for task_id in NIGHT:
            if task_id == "act_on_answers":
                undisturbed.answer(database)
            undisturbed.before[task_id] = undisturbed.copy(database)
            undisturbed.run(database, task_id)
            undisturbed.after[task_id] = undisturbed.dump(database)
        kept = undisturbed.copy(undisturbed.before["act_on_answers"])
        undisturbed.before["keep_house"] = undisturbed.copy(kept)
        undisturbed.run(kept, "keep_house")
        undisturbed.after["keep_house"] = undisturbed.dump(kept)
        undisturbed.messages = undisturbed.sent()
        undisturbed.drop(kept)
        yield undisturbed


def with_unreadable(company: Company) -> Company:
    """Add papers that no machine can read, so that quarantine has one of each answer."""
    extra = tuple(
        Document(f"U{at:07d}", company.entity, None, name, "application/pdf", len(content), hashlib.sha256(content).hexdigest(),
                 START - timedelta(hours=9), zlib.compress(content))
        for at, (name, content) in enumerate([("advert.pdf", b"%PDF-1.4 buy"), ("again.pdf", b"%PDF-1.4 again"), ("scan.pdf", b"%PDF-1.4 scan")])
    )  # fmt: skip
    return dataclasses.replace(company, documents=company.documents + extra)


@dataclasses.dataclass(frozen=True)
class Point:
    """Where to kill: at a step, or while what the step announces is under way."""

    at: int
    under_way: bool


def chosen(task_id: str, steps: tuple[str, ...]) -> list[Point]:
    """Return where to kill: everywhere if that is affordable, else around each commit and at a sample of the rest."""
    most = measure(POINTS, task_id, USUAL_POINTS)
    candidates = [Point(at, False) for at in range(len(steps))]
    candidates += [
        Point(at, True)
        for at, step in enumerate(steps)
        if step.startswith(("before statement SELECT", "before commit"))
    ]
    if len(candidates) <= most:
        return candidates
    commits = [point for point in candidates if "commit" in steps[point.at]][-6:]
    others = [point for point in candidates if "commit" not in steps[point.at]]
    return commits + random.Random(task_id).sample(others, max(most - len(commits), 2))


def measure(measures: Mapping[str, int], task_id: str, usual: int) -> int:
    """Return what holds for this operator, else for its kind, else usually."""
    return measures.get(task_id, measures.get(task_id.partition("_")[0], usual))


def rest_of(task_id: str) -> tuple[str, ...]:
    """Return the operators that follow in the night."""
    return () if task_id == "keep_house" else NIGHT[NIGHT.index(task_id) + 1 :]


@pytest.mark.parametrize("task_id", OPERATORS)
def test_killed_at_any_step_and_run_again(nights: Nights, task_id: str) -> None:
    nights.calm()
    steps = undisturbed_steps(nights, task_id)
    points = chosen(task_id, steps)
    whole = [point for point in points if "commit" in steps[point.at] and rest_of(task_id)]
    whole = (
        whole[-measure(WHOLE_NIGHTS, task_id, USUAL_WHOLE_NIGHTS) :]
        if measure(WHOLE_NIGHTS, task_id, USUAL_WHOLE_NIGHTS)
        else []
    )
    for point in points:
        nights.calm()
        with nights.scratch(nights.before[task_id]) as database:
            ending = nights.killer.run(
                nights.environment(database), task_id, "night-1", point.at, under_way=point.under_way
            )
            what = f"{task_id} killed at {point} of {len(steps)} steps, {ending.steps[-1:]}"
            # one that was to die at its very end may have ended first
            assert ending.killed or point.under_way, f"{what}: {ending}"
            nights.run(database, task_id)
            expect_same(nights, nights.after[task_id], database, what)
            if point in whole:
                nights.run(database, *rest_of(task_id))
                expect_same(nights, nights.after["act_on_answers"], database, f"the night after {what}")
            if task_id == "keep_house":
                assert nights.sent() == nights.messages, f"{what}: a message went out twice or never"


def undisturbed_steps(nights: Nights, task_id: str) -> tuple[str, ...]:
    """Return the steps of an operator that is left alone in a child of its own, which ends as one in this process does."""
    with nights.scratch(nights.before[task_id]) as database:
        ending = nights.killer.run(nights.environment(database), task_id, "night-1")
        assert (ending.killed, ending.error) == (False, None), ending
        expect_same(nights, nights.after[task_id], database, f"{task_id} in a child, not killed")
    assert any(step == "before commit" for step in ending.steps), f"{task_id} commits nothing: {ending.steps}"
    return ending.steps


def expect_same(nights: Nights, expected: dump.Dump, database: str, what: str) -> None:
    found = nights.dump(database)
    assert found == expected, f"{what}:\n{dump.differences(expected, found)}"


def test_killed_again_and_again(nights: Nights) -> None:
    """Each operator dies three times in a row on the same ledger before it may end; the night is the same."""
    nights.calm()
    chance, killed = random.Random(20261120), 0
    with nights.scratch(nights.before["open_run"]) as database:
        for task_id in NIGHT:
            if task_id == "act_on_answers":
                nights.answer(database)
            for most in (6, 8, 40):
                at = chance.randrange(most)
                ending = nights.killer.run(nights.environment(database), task_id, "night-1", kill_at=at)
                killed += ending.killed
            nights.run(database, task_id)
        assert killed > 2 * len(NIGHT)
        expect_same(nights, nights.after["act_on_answers"], database, "a night of crashes")


def test_the_undisturbed_night_is_worth_killing(nights: Nights) -> None:
    """The company holds every kind of thing that a crash could double or lose."""
    there: dict[str, Any] = nights.after["act_on_answers"]
    for section in (
        "journal",
        "payment proposals",
        "open holds",
        "cases",
        "answers",
        "outbox",
        "quarantine",
        "GR/IR",
        "open items",
    ):
        assert there[section], f"the night leaves no {section}"
    events = {line.split(" | ")[1] for line in there["journal"]}
    assert events == {"goods_receipt", "invoice", "credit_note", "reversal"}
    results = {line.split(" | ")[-1] for line in there["answers"]}
    assert {"accepted", "rejected", "ask_again", "read_again", "discard"} <= results
    assert list(Path(nights.base["AIRFLOW__BACKOFFICE__REPORT_DIR"]).glob("run-*.html"))
    assert len(nights.messages) > 1


def test_answers_are_booked_once_whoever_dies_on_the_way(nights: Nights) -> None:
    """Run and housekeeping take turns on the same answers, each killed before it is through; then both may end."""
    nights.calm()
    turns = [(task_id, undisturbed_steps(nights, task_id)) for task_id in ("act_on_answers", "keep_house")]
    nights.calm()
    chance = random.Random(20261125)
    with nights.scratch(nights.before["act_on_answers"]) as database:
        for task_id, steps in turns * 12:
            at = chance.randrange(len(steps))
            ending = nights.killer.run(nights.environment(database), task_id, "night-1", at)
            # what an earlier one got through leaves the later ones less to do
            assert ending.killed or len(ending.steps) <= at, ending
        nights.run(database, "keep_house", "act_on_answers")
        found, expected = nights.dump(database), nights.after["act_on_answers"]
        for section in ("journal", "answers", "open items", "GR/IR", "payment proposals", "cases"):
            assert found[section] == expected[section], section
        assert nights.sent() == nights.messages
