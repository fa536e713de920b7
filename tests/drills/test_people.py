"""A person of the inbox-only role in the whole of a real Airflow: what they reach, and how soon their answer ends the waiting."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from tests.drills.conftest import DAG_ID, Installation, wait_until
from tests.drills.test_local_installation import start_run, task_state

from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.http_client import ask

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]
MOST_SECONDS = 2.0


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *given: object, **named: object) -> None:
        return None


def page(url: str, token: str) -> tuple[int, str]:
    """Return status and place that a browser with this log-in gets."""
    request = Request(url, headers={"Cookie": f"_token={token}", "Accept": "text/html"})  # noqa: S310 - our own server
    try:
        with build_opener(_Stay).open(request, timeout=30) as answer:
            return answer.status, ""
    except HTTPError as error:
        return error.code, error.headers.get("Location", "")


def test_a_buyer_reaches_the_inbox_and_nothing_else(running: Installation) -> None:
    token = AirflowApi(running.url, "buyer", running.secrets.users["buyer"]).token
    assert page(f"{running.url}/", token) == (307, "/backoffice/cases")
    assert page(f"{running.url}/backoffice/cases", token)[0] == 200
    for path in (
        "/home",
        "/dags",
        "/connections",
        "/api/v2/dags",
        "/api/v2/connections",
        "/api/v2/version",
        "/ui/config",
        "/docs",
        "/static/index.html",
    ):
        assert page(f"{running.url}{path}", token)[0] == 403, path
        assert ask(f"{running.url}{path}", token=token).status == 403, path
    assert ask(f"{running.url}/backoffice/api/v1/cases", token=token).status == 200
    assert page(f"{running.url}/home", running.api.token)[0] == 200, "others see Airflow as ever"
    assert ask(f"{running.url}/api/v2/dags", token=running.api.token).status == 200


def test_an_answer_ends_the_waiting_within_two_seconds(running: Installation) -> None:
    """From the commit of the answer to the success of the sensor, in the real triggerer, without a worker."""
    run_id = start_run(running, "answered")
    wait_until(
        lambda: task_state(running, run_id, "wait_for_reviews") == "deferred", 400, "the run waits for people"
    )
    clerk = AirflowApi(running.url, "clerk", running.secrets.users["clerk"]).token
    [(case_id, evidence)] = running.ledger(
        "SELECT c.case_id, encode(c.evidence_hash, 'hex') FROM review.case c JOIN ops.run r ON r.run_id = c.opened_run "
        f"WHERE r.airflow_run_id = '{run_id}' AND c.state = 'open' AND c.role = 'ap_clerk' AND c.amount < 20000 AND c.subject_kind = 'invoice' "
        "AND review.may_decide('p-clerk', c.case_id, 'reject') IS NULL ORDER BY c.case_id LIMIT 1"
    )
    body = {
        "action": "reject",
        "reason_code": "not_ordered",
        "reason": "nobody ordered it",
        "evidence_hash": evidence,
    }
    request = Request(  # noqa: S310 - our own server
        f"{running.url}/backoffice/api/v1/cases/{case_id}/answers",
        json.dumps(body).encode(),
        {
            "Authorization": f"Bearer {clerk}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
        method="POST",
    )
    with build_opener().open(request, timeout=30) as answer:
        assert answer.status < 300
    wait_until(
        lambda: task_state(running, run_id, "wait_for_reviews") == "success", 60, "the sensor succeeds"
    )
    [(answered,)] = running.ledger(f"SELECT answered_at FROM review.answer WHERE case_id = {case_id}")
    sensor = next(
        task for task in running.api.tasks(DAG_ID, run_id) if task["task_id"].endswith("wait_for_reviews")
    )
    ended = datetime.fromisoformat(sensor["end_date"].replace("Z", "+00:00"))
    seconds = (ended - answered).total_seconds()
    print(f"answer to success of the sensor: {seconds:.2f} s")
    assert 0 < seconds < MOST_SECONDS
    wait_until(lambda: running.api.run_state(DAG_ID, run_id) == "success", 120, "the answer is booked")
    assert running.ledger(f"SELECT booking_result FROM review.answer WHERE case_id = {case_id}") == [
        ("rejected",)
    ]
