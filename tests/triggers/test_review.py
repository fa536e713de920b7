"""The trigger: woken by answers, sure of them by polling, ended by the window, one connection for all."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from airflow.sdk.module_loading import import_string
from psycopg.conninfo import make_conninfo
from tests.triggers.conftest import open_run

from backoffice.triggers import review_listener
from backoffice.triggers.review import ReviewTrigger
from backoffice.triggers.review_listener import ReviewListener, shared_listener

PROCESS = "invoice_reconciliation"
NEVER_POLLS = 3600.0


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def make_trigger(
    run_id: int, conn_id: str, *, window: float = 600, poke_interval: float = NEVER_POLLS
) -> ReviewTrigger:
    return ReviewTrigger(run_id, PROCESS, soon(window).isoformat(), conn_id, poke_interval)


async def events_of(trigger: ReviewTrigger) -> list[dict[str, object]]:
    return [event.payload async for event in trigger.run()]


async def listening(ledger, number: int) -> None:
    """Wait until so many connections listen, so that a test knows the trigger is asleep."""
    for _ in range(100):
        if await asyncio.to_thread(count_listeners, ledger) == number:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{count_listeners(ledger)} connections listen, not {number}")


def count_listeners(ledger) -> int:
    with ledger.connect("admin") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'backoffice_app'",
            (ledger.database,),
        ).fetchone()
    return row[0]


def test_it_comes_back_the_same_from_its_serialized_form(conn_id):
    trigger = make_trigger(7, conn_id, poke_interval=30.0)
    path, kwargs = trigger.serialize()
    assert path == "backoffice.triggers.review.ReviewTrigger"
    again = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)
    assert "test-only" not in json.dumps(kwargs), "the password travelled with the trigger"


def test_arguments_added_later_have_defaults():
    trigger = ReviewTrigger(run_id=7, process=PROCESS, window_until="2026-11-22T12:00:00+00:00")
    assert trigger.serialize()[1]["ledger_conn_id"] == "backoffice_ledger"


def test_a_window_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="no offset"):
        ReviewTrigger(7, PROCESS, "2026-11-22T12:00:00")


def test_no_unanswered_case_fires_at_once(run, conn_id):
    run.set_state(run.open_cases(2), "settled")
    events = asyncio.run(events_of(make_trigger(run.run_id, conn_id)))
    assert [event["status"] for event in events] == ["settled"]
    assert events[0]["counts"]["settled"] == 2


def test_an_answer_wakes_it_without_a_poll(run, conn_id):
    cases = run.open_cases(2)

    async def scenario() -> float:
        waiting = asyncio.create_task(events_of(make_trigger(run.run_id, conn_id)))
        await listening(run.ledger, 1)
        await asyncio.to_thread(run.set_state, cases[:1], "decided")
        await asyncio.sleep(0.6)
        assert not waiting.done(), "one of two cases is still open"
        answered = time.monotonic()
        await asyncio.to_thread(run.set_state, cases[1:], "decided")
        events = await asyncio.wait_for(waiting, 10)
        assert [event["status"] for event in events] == ["settled"]
        return time.monotonic() - answered

    assert asyncio.run(scenario()) < 2


def test_waiting_for_any_answer_ends_with_the_first(run, conn_id):
    cases = run.open_cases(3)
    trigger = make_trigger(run.run_id, conn_id)
    path, kwargs = trigger.serialize()
    trigger = import_string(path)(**{**kwargs, "until": "any"})

    async def scenario() -> list[dict[str, object]]:
        waiting = asyncio.create_task(events_of(trigger))
        await listening(run.ledger, 1)
        await asyncio.to_thread(run.set_state, cases[:1], "superseded")
        await asyncio.sleep(0.5)
        assert not waiting.done(), "nobody answered: the facts settled it"
        await asyncio.to_thread(run.set_state, cases[1:2], "decided")
        return await asyncio.wait_for(waiting, 10)

    assert [event["status"] for event in asyncio.run(scenario())] == ["answered"]


def test_a_case_that_waits_for_its_second_person_is_not_answered(run, conn_id):
    run.set_state(run.open_cases(1), "half_decided")
    events = asyncio.run(events_of(make_trigger(run.run_id, conn_id, window=0.8)))
    assert events == [
        {"status": "window_over", "counts": {**events[0]["counts"], "half_decided": 1, "opened": 1}}
    ]


def test_the_poll_finds_what_no_notification_told(run, conn_id):
    cases = run.open_cases(1)

    async def scenario() -> list[dict[str, object]]:
        waiting = asyncio.create_task(events_of(make_trigger(run.run_id, conn_id, poke_interval=0.3)))
        await listening(run.ledger, 1)
        await asyncio.to_thread(run.set_state, cases, "decided", notify=False)
        return await asyncio.wait_for(waiting, 10)

    assert [event["status"] for event in asyncio.run(scenario())] == ["settled"]


def test_the_end_of_the_window_ends_the_waiting_and_decides_nothing(run, conn_id):
    run.open_cases(3)
    began = time.monotonic()
    events = asyncio.run(events_of(make_trigger(run.run_id, conn_id, window=1.0)))
    assert 0.9 < time.monotonic() - began < 5
    assert [event["status"] for event in events] == ["window_over"]
    assert events[0]["counts"]["open"] == 3
    with run.ledger.connect("admin") as connection:
        assert connection.execute("SELECT DISTINCT state FROM review.case").fetchall() == [("open",)]


def test_a_lost_connection_is_made_anew_and_nothing_is_missed(run, conn_id, monkeypatch):
    monkeypatch.setattr(review_listener, "_FIRST_BACK_OFF_SECONDS", 0.1)
    cases = run.open_cases(1)

    async def scenario() -> list[dict[str, object]]:
        waiting = asyncio.create_task(events_of(make_trigger(run.run_id, conn_id)))
        await listening(run.ledger, 1)
        await asyncio.to_thread(_cut, run.ledger)
        # decided while nobody listens: the look after the reconnect must find it
        await asyncio.to_thread(run.set_state, cases, "decided")
        return await asyncio.wait_for(waiting, 15)

    assert [event["status"] for event in asyncio.run(scenario())] == ["settled"]


def _cut(ledger) -> None:
    with ledger.connect("admin") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'backoffice_app'",
            (ledger.database,),
        )


def test_a_ledger_that_is_down_is_waited_for_until_the_window_ends():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = make_conninfo(
            host="127.0.0.1", port=free.getsockname()[1], dbname="x", user="x", password="x"
        )

    async def scenario() -> review_listener.Outcome:
        async with shared_listener(nobody) as listener:
            return await listener.wait(run_id=1, process=PROCESS, window_until=soon(1.2), poll_seconds=1)

    began = time.monotonic()
    outcome = asyncio.run(scenario())
    assert outcome.verdict == "window_over"
    assert outcome.counts is None
    assert time.monotonic() - began > 1.1


def test_fifty_runs_wait_on_one_connection_and_the_last_one_closes_it(ledger, conn_id):
    runs = [open_run(ledger, f"run {number}") for number in range(50)]
    cases = [run.open_cases(1) for run in runs]

    async def scenario() -> list[list[dict[str, object]]]:
        waiting = [asyncio.create_task(events_of(make_trigger(run.run_id, conn_id))) for run in runs]
        await listening(ledger, 1)
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(count_listeners, ledger) == 1
        for run, opened in zip(runs, cases, strict=True):
            await asyncio.to_thread(run.set_state, opened, "decided")
        done = await asyncio.wait_for(asyncio.gather(*waiting), 20)
        await listening(ledger, 0)
        return done

    assert [[event["status"] for event in events] for events in asyncio.run(scenario())] == [["settled"]] * 50
    assert review_listener._listeners == {}


def test_a_cancelled_trigger_leaves_nothing_behind(run, conn_id):
    run.open_cases(1)

    async def scenario() -> None:
        waiting = asyncio.create_task(events_of(make_trigger(run.run_id, conn_id)))
        await listening(run.ledger, 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await listening(run.ledger, 0)

    asyncio.run(scenario())
    assert review_listener._listeners == {}


def test_an_answer_at_any_moment_of_starting_is_not_missed(ledger, conn_id):
    """The answer races the LISTEN and the first look; with polling off, a lost wake-up would hang."""
    chance = random.Random(20261122)

    async def one(number: int) -> None:
        run = await asyncio.to_thread(open_run, ledger, f"race {number}")
        cases = await asyncio.to_thread(run.open_cases, 1)
        waiting = asyncio.create_task(events_of(make_trigger(run.run_id, conn_id)))
        await asyncio.sleep(chance.random() * 0.12)
        await asyncio.to_thread(run.set_state, cases, "decided")
        events = await asyncio.wait_for(waiting, 10)
        assert [event["status"] for event in events] == ["settled"]

    async def scenario() -> None:
        for number in range(25):
            await one(number)

    asyncio.run(scenario())


def test_a_missing_connection_is_told_and_not_waited_for():
    events = asyncio.run(events_of(make_trigger(1, "nowhere_to_be_found")))
    assert [event["status"] for event in events] == ["failed"]
    assert "nowhere_to_be_found" in str(events[0]["message"])


def test_an_error_of_ours_reaches_the_trigger_instead_of_hanging(run, conn_id, monkeypatch):
    run.open_cases(1)

    def broken(rows: object) -> dict[int, object]:
        raise ValueError("unknown case states ['approved']")

    monkeypatch.setattr(review_listener, "counts_by_run", broken)
    with pytest.raises(ValueError, match="approved"):
        asyncio.run(asyncio.wait_for(events_of(make_trigger(run.run_id, conn_id)), 10))


def test_the_listener_needs_no_more_than_reading(run):
    """As the auditor, who may write nothing, the listener works as well."""
    run.open_cases(1)

    async def scenario() -> review_listener.Outcome:
        listener = ReviewListener(run.ledger.dsn("auditor"))
        try:
            return await listener.wait(
                run_id=run.run_id, process=PROCESS, window_until=soon(0.5), poll_seconds=1
            )
        finally:
            await listener.close()

    outcome = asyncio.run(scenario())
    assert outcome.verdict == "window_over"
    assert outcome.counts is not None
    assert outcome.counts.unanswered == 1


def test_the_dsn_of_the_connection_reaches_no_log(run, conn_id, caplog, monkeypatch):
    monkeypatch.setattr(review_listener, "_FIRST_BACK_OFF_SECONDS", 0.1)
    with pytest.raises(psycopg.OperationalError), psycopg.connect(run.ledger.dsn("app"), dbname="nope"):
        pass

    async def scenario() -> None:
        async with shared_listener(make_conninfo(run.ledger.dsn("app"), dbname="nope")) as listener:
            await listener.wait(run_id=1, process=PROCESS, window_until=soon(0.4), poll_seconds=1)

    asyncio.run(scenario())
    assert "broke off" in caplog.text
    assert "test-only" not in caplog.text
