"""Many people, many runs: one connection for all of them, no answer lost, none late against the window's end."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent
from tests.conftest import LOG_INS, PASSWORD, Ledger
from tests.triggers.conftest import Run, open_run

from backoffice.domain.review_window import Goal
from backoffice.migrations import migrate
from backoffice.runtime.postgres import EmbeddedPostgres
from backoffice.sensors.review import ReviewSensor
from backoffice.triggers import review_listener
from backoffice.triggers.review import ReviewTrigger
from backoffice.triggers.review_listener import Outcome, shared_listener

PROCESS = "invoice_reconciliation"
NEVER_POLLS = 3600.0
DECIDE = "UPDATE review.case SET state = 'decided' WHERE case_id = %s RETURNING pg_notify('backoffice_review', case_id::text)"


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def listeners(ledger: Ledger) -> int:
    with ledger.connect("admin") as connection:
        (number,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'backoffice_app'",
            (ledger.database,),
        ).fetchone()
    return number


async def until(condition, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.05)


def test_two_thousand_cases_in_fifty_tasks_on_one_connection(ledger: Ledger, conn_id: str) -> None:
    """Each task ends in the triggerer with the sensor's result, when its own cases are answered and not before."""
    runs = [open_run(ledger, f"run {number}") for number in range(50)]
    cases = [run.open_cases(40) for run in runs]
    triggers = [
        ReviewTrigger(run.run_id, PROCESS, in_seconds(600).isoformat(), conn_id, NEVER_POLLS, end_from_trigger=True)
        for run in runs
    ]  # fmt: skip

    async def events(trigger: ReviewTrigger) -> list[object]:
        return [event async for event in trigger.run()]

    async def scenario() -> list[list[object]]:
        waiting = [asyncio.create_task(events(trigger)) for trigger in triggers]
        await until(lambda: listeners(ledger) == 1)
        for number, run in enumerate(runs):
            await asyncio.to_thread(run.set_state, cases[number][:39], "decided")
        await asyncio.sleep(1)
        assert not any(task.done() for task in waiting), "each has one case left"
        assert await asyncio.to_thread(listeners, ledger) == 1
        for number, run in enumerate(runs):
            await asyncio.to_thread(run.set_state, cases[number][39:], "decided")
        return await asyncio.wait_for(asyncio.gather(*waiting), 20)

    for (event,), trigger in zip(asyncio.run(scenario()), triggers, strict=True):
        assert isinstance(event, TaskSuccessEvent)
        assert event.xcoms is not None
        result = event.xcoms["return_value"]
        assert (result["status"], result["opened"], result["decided"]) == ("settled", 40, 40)
        assert result["window_until"] == trigger.window_until


@pytest.mark.parametrize(
    ("options", "enough"),
    [
        ({"until": "any"}, 1),
        ({"until": "quorum", "quorum": 3}, 3),
        ({"until": "amount", "share": "0.5"}, 5),
        ({"until": "amount", "amount": "400", "currency": "EUR"}, 4),
        ({"until": "all"}, 10),
    ],
)
def test_each_goal_ends_deferred_and_classic_waiting_alike(run: Run, conn_id: str, options, enough) -> None:
    cases = run.open_cases(10)
    with run.ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET amount = 100, currency = 'EUR'")
    trigger = ReviewTrigger(run.run_id, PROCESS, in_seconds(60).isoformat(), conn_id, NEVER_POLLS, **options)
    poking = ReviewSensor(
        task_id="wait", process=PROCESS, ledger_conn_id=conn_id, deferrable=False, **options
    )
    context = {"ti": type("TI", (), {"dag_id": PROCESS, "run_id": "run 1"})}

    async def scenario() -> dict[str, object]:
        waiting = asyncio.create_task(anext(aiter(trigger.run())))
        await until(lambda: listeners(run.ledger) == 1)
        for case in cases[: enough - 1]:
            await asyncio.to_thread(run.set_state, [case], "decided")
        await asyncio.sleep(0.6)
        assert not waiting.done()
        assert not await asyncio.to_thread(poking.poke, context)
        await asyncio.to_thread(run.set_state, [cases[enough - 1]], "decided")
        return (await asyncio.wait_for(waiting, 10)).payload

    payload = asyncio.run(scenario())
    polled = poking.poke(context)
    assert polled.is_done
    assert payload["status"] == polled.xcom_value["status"] == ("settled" if enough == 10 else "answered")
    assert payload["counts"]["decided"] == polled.xcom_value["decided"] == enough


def test_the_goal_travels_with_the_trigger_unchanged(conn_id: str) -> None:
    goal = {"until": "amount", "amount": "1234567890123456.78", "currency": "EUR"}
    trigger = ReviewTrigger(1, PROCESS, in_seconds(1).isoformat(), conn_id, **goal)
    again = ReviewTrigger(**trigger.serialize()[1])
    assert again.goal == trigger.goal
    assert again.serialize() == trigger.serialize()


def test_a_trigger_that_ends_its_task_fails_it_without_the_connection() -> None:
    trigger = ReviewTrigger(1, PROCESS, in_seconds(5).isoformat(), "nowhere", end_from_trigger=True)

    async def first() -> object:
        return await anext(aiter(trigger.run()))

    assert isinstance(asyncio.run(first()), TaskFailedEvent)


def test_the_window_ends_the_task_as_a_success_that_says_what_is_open(run: Run, conn_id: str) -> None:
    run.open_cases(3)
    trigger = ReviewTrigger(run.run_id, PROCESS, in_seconds(0.5).isoformat(), conn_id, end_from_trigger=True)

    async def first() -> object:
        return await anext(aiter(trigger.run()))

    event = asyncio.run(first())
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    assert event.xcoms["return_value"]["status"] == "window_over"
    assert event.xcoms["return_value"]["open"] == 3


def test_a_thousand_answers_race_the_end_of_their_windows(ledger: Ledger) -> None:
    """Each waiting ends once. An answer that was there before the window's end wins, whatever else goes on."""
    number, chance = 1000, random.Random(20261125)
    run_ids, case_ids = open_runs(ledger, number)
    started = datetime.now(UTC) + timedelta(seconds=3)
    ends = [started + timedelta(seconds=chance.random() * 5) for _ in range(number)]
    answers = [end + timedelta(seconds=chance.uniform(-0.15, 0.45)) for end in ends]

    async def scenario() -> tuple[list[Outcome], list[datetime]]:
        async with shared_listener(ledger.dsn("app")) as listener:
            waiting = [
                asyncio.create_task(
                    listener.wait(run_id=run_id, process=PROCESS, window_until=end, poll_seconds=NEVER_POLLS)
                )
                for run_id, end in zip(run_ids, ends, strict=True)
            ]
            answering = asyncio.to_thread(answer_at, ledger, case_ids, answers)
            outcomes, committed = await asyncio.gather(asyncio.gather(*waiting), answering)
            return outcomes, committed

    outcomes, committed = asyncio.run(scenario())
    verdicts = [outcome.verdict for outcome in outcomes]
    assert len(verdicts) == number
    for verdict, end, done in zip(verdicts, ends, committed, strict=True):
        assert verdict in ("settled", "window_over")
        assert verdict == "settled" or done > end, f"answered {end - done} before the end, and not seen"
    assert verdicts.count("settled") > 50
    assert verdicts.count("window_over") > 50
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT state, count(*) FROM review.case GROUP BY state").fetchall() == [
            ("decided", number)
        ], "an answer that came after the window's end is kept; the end decides nothing"


def open_runs(ledger: Ledger, number: int) -> tuple[list[int], list[int]]:
    """Open so many runs with one case each, quickly."""
    with ledger.connect("admin") as connection:
        run_ids = [row[0] for row in connection.execute(
            "INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, package_version) "
            "SELECT %s, %s, 'race ' || n, '2026-11-20', '0' FROM generate_series(1, %s) AS n RETURNING run_id", (PROCESS, PROCESS, number),
        )]  # fmt: skip
        case_ids = [row[0] for row in connection.execute(
            "INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover, opened_run) "
            "SELECT %s, 'invoice', r, 'key', 'ap_clerk', '1000', 'case', '\\x00', '{}', r FROM unnest(%s::bigint[]) WITH ORDINALITY AS t(r, n) "
            "ORDER BY n RETURNING case_id", (PROCESS, run_ids),
        )]  # fmt: skip
    return run_ids, case_ids


def answer_at(ledger: Ledger, case_ids: Sequence[int], moments: Sequence[datetime]) -> list[datetime]:
    """Decide each case at its moment, several at once; return when each commit was over."""
    committed: list[datetime] = [datetime.max.replace(tzinfo=UTC)] * len(case_ids)
    order = sorted(range(len(case_ids)), key=lambda at: moments[at])
    own = threading.local()
    opened: list[psycopg.Connection] = []

    def answer(at: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = ledger.connect("admin", autocommit=True)
            opened.append(own.connection)
        time.sleep(max((moments[at] - datetime.now(UTC)).total_seconds(), 0))
        own.connection.execute(DECIDE, (case_ids[at],))
        committed[at] = datetime.now(UTC)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(answer, order))
    for connection in opened:
        connection.close()
    return committed


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[EmbeddedPostgres, Ledger]]:
    """A server that a test may stop."""
    server = EmbeddedPostgres(tmp_path / "postgres", fsync=False)
    server.start()
    try:
        migrate(server.admin_dsn(), "restarted", dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True)
        yield server, Ledger(server.admin_dsn(), "restarted")
    finally:
        server.stop()


def test_a_restart_of_the_database_in_the_middle_loses_nothing(
    own_server: tuple[EmbeddedPostgres, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_listener, "_FIRST_BACK_OFF_SECONDS", 0.2)
    server, ledger = own_server
    runs = [open_run(ledger, f"run {number}") for number in range(10)]
    cases = [run.open_cases(2) for run in runs]

    async def scenario() -> list[Outcome]:
        async with shared_listener(ledger.dsn("app")) as listener:
            waiting = [
                asyncio.create_task(
                    listener.wait(
                        run_id=run.run_id, process=PROCESS, window_until=in_seconds(120),
                        poll_seconds=NEVER_POLLS, goal=Goal("quorum", quorum=2),
                    )
                )
                for run in runs
            ]  # fmt: skip
            await until(lambda: listeners(ledger) == 1)
            for run, (first, _) in zip(runs, cases, strict=True):
                await asyncio.to_thread(run.set_state, [first], "decided")
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(1)
            assert not any(task.done() for task in waiting), "the ledger is out of reach: they wait on"
            await asyncio.to_thread(server.start)
            # answered without a word on the channel: the look after the reconnect finds them
            for run, (_, second) in zip(runs[:5], cases[:5], strict=True):
                await asyncio.to_thread(run.set_state, [second], "decided", notify=False)
            await until(lambda: listeners(ledger) == 1, 40)
            for run, (_, second) in zip(runs[5:], cases[5:], strict=True):
                await asyncio.to_thread(run.set_state, [second], "decided")
            return await asyncio.wait_for(asyncio.gather(*waiting), 30)

    assert [outcome.verdict for outcome in asyncio.run(scenario())] == ["settled"] * 10
