"""The sensor waits for people and never fails the night because of them."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferred
from airflow.serialization.serialized_objects import DagSerialization

from backoffice.exceptions import ConfigurationError
from backoffice.sensors.review import ReviewSensor
from backoffice.triggers.review import ReviewTrigger

PROCESS = "invoice_reconciliation"


def context(run_id: str = "run 1") -> dict[str, object]:
    """What the sensor reads of a task's context."""
    return {"ti": SimpleNamespace(dag_id="invoice_reconciliation", run_id=run_id)}


def make_sensor(conn_id: str, **options: object) -> ReviewSensor:
    return ReviewSensor(task_id="wait_for_reviews", process=PROCESS, ledger_conn_id=conn_id, **options)


def start_of(run) -> datetime:
    with run.ledger.connect("admin") as connection:
        return connection.execute(
            "SELECT started_at FROM ops.run WHERE run_id = %s", (run.run_id,)
        ).fetchone()[0]


def test_a_run_without_cases_is_done_at_once(run, conn_id):
    result = make_sensor(conn_id).execute(context())
    assert result["status"] == "settled"
    assert result["opened"] == 0


def test_a_run_the_ledger_does_not_know_is_done_at_once(run, conn_id):
    result = make_sensor(conn_id).execute(context("never opened"))
    assert result == {
        "status": "settled",
        "window_until": None,
        "opened": 0,
        "open": 0,
        "half_decided": 0,
        "decided": 0,
        "settled": 0,
        "superseded": 0,
    }


def test_cases_of_other_runs_and_processes_are_not_waited_for(run, conn_id):
    run.open_cases(1)
    with run.ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET process = 'payment_run'")
    assert make_sensor(conn_id).execute(context())["opened"] == 0


def test_it_defers_with_ids_only_and_the_window_of_the_run(run, conn_id):
    run.open_cases(2)
    sensor = make_sensor(conn_id, review_window=timedelta(hours=5), poke_interval=45)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context())
    trigger = deferred.value.trigger
    assert isinstance(trigger, ReviewTrigger)
    assert deferred.value.method_name == "execute_complete"
    assert deferred.value.timeout is None, "Airflow's own time-out would fail the run"
    kwargs = trigger.serialize()[1]
    assert kwargs["run_id"] == run.run_id
    assert kwargs["poke_interval"] == 45
    assert datetime.fromisoformat(kwargs["window_until"]) == start_of(run) + timedelta(hours=5)
    assert "test-only" not in json.dumps(kwargs)


def test_the_trigger_it_defers_to_brings_it_to_its_end(run, conn_id):
    cases = run.open_cases(2)
    sensor = make_sensor(conn_id, poke_interval=0.2)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context())
    run.set_state(cases, "decided")

    async def fired() -> dict[str, object]:
        (event,) = [event.payload async for event in deferred.value.trigger.run()]
        return event

    result = sensor.execute_complete(context(), asyncio.run(fired()))
    assert result["status"] == "settled"
    assert result["decided"] == 2


def test_waiting_for_any_answer_carries_over_the_rest(run, conn_id):
    cases = run.open_cases(3)
    sensor = make_sensor(conn_id, until="any")
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context())
    assert deferred.value.trigger.serialize()[1]["until"] == "any"
    run.set_state(cases[:1], "decided")
    result = sensor.execute_complete(context(), {"status": "answered", "counts": None})
    assert (result["status"], result["decided"], result["open"]) == ("answered", 1, 2)
    assert make_sensor(conn_id, until="any").execute(context()) == result, "cleared, it does not wait again"


def test_it_counts_again_and_does_not_trust_the_event(run, conn_id):
    run.open_cases(3)
    result = make_sensor(conn_id).execute_complete(context(), {"status": "settled", "counts": {"open": 0}})
    assert result["status"] == "window_over"
    assert result["open"] == 3


def test_after_its_window_it_succeeds_with_what_is_open(run, conn_id):
    cases = run.open_cases(3)
    run.set_state(cases[:1], "settled")
    with run.ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.run SET started_at = now() - interval '24 hours'")
    result = make_sensor(conn_id).execute(context())
    assert (result["status"], result["open"], result["settled"], result["opened"]) == ("window_over", 2, 1, 3)


def test_a_cleared_sensor_waits_no_longer_than_the_first_one(run, conn_id):
    run.open_cases(1)
    until = []
    for _ in range(2):
        with pytest.raises(TaskDeferred) as deferred:
            make_sensor(conn_id).execute(context())
        until.append(deferred.value.trigger.window_until)
    assert until[0] == until[1]


def test_poking_waits_and_then_gives_the_same_result(run, conn_id):
    cases = run.open_cases(1)
    sensor = make_sensor(conn_id, deferrable=False, poke_interval=0.05)
    assert not sensor.poke(context())
    run.set_state(cases, "superseded")
    result = sensor.execute(context())
    assert result["status"] == "settled"
    assert result["superseded"] == 1


def test_poking_ends_with_the_window(run, conn_id):
    run.open_cases(1)
    sensor = make_sensor(conn_id, deferrable=False, poke_interval=0.05, review_window=timedelta(seconds=1))
    began = time.monotonic()
    result = sensor.execute(context())
    assert result["status"] == "window_over"
    assert time.monotonic() - began < 10


def test_rescheduling_gives_the_worker_back(run, conn_id):
    run.open_cases(1)
    sensor = make_sensor(conn_id, deferrable=False, mode="reschedule", poke_interval=60)
    given = context()
    given["ti"].get_first_reschedule_date = lambda _: None
    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as rescheduled:
        sensor.execute(given)
    assert rescheduled.value.reschedule_date > before + timedelta(seconds=55)


def test_airflows_own_time_out_never_comes_before_the_window(conn_id):
    assert make_sensor(conn_id, review_window=timedelta(days=30)).timeout > timedelta(days=30).total_seconds()


def test_a_negative_window_is_refused_when_the_dag_is_parsed(conn_id):
    with pytest.raises(ValueError, match="less than nothing"):
        make_sensor(conn_id, review_window=timedelta(seconds=-1))


def test_a_missing_connection_fails_with_its_name(conn_id):
    with pytest.raises(ConfigurationError, match="nowhere"):
        make_sensor(conn_id).execute_complete(
            context(), {"status": "failed", "message": "no connection nowhere"}
        )


def test_a_ledger_that_is_down_is_an_error_a_retry_heals(run, conn_id, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", "postgres://x:x@127.0.0.1:1/x?connect_timeout=1")
    with pytest.raises(psycopg.OperationalError):
        make_sensor("down").execute(context())


def test_it_survives_airflows_serialization():
    with DAG("waits", schedule=None) as dag:
        ReviewSensor(task_id="wait_for_reviews", process=PROCESS, review_window=timedelta(hours=23))
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert again.get_task("wait_for_reviews").task_type == "ReviewSensor"
