"""My activity and the health page: what they say is what the ledger holds, and only of what the person may see."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Event

import lxml.html
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient
from tests.web.books import HOSTILE
from tests.web.host import create_test_app, log_in

from backoffice.web import airflow_health
from backoffice.web.airflow_health import signs_of
from backoffice.web.health import judge

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WELL = {
    "simulated_day": None,
    "sealer": True,
    "sealed_at": NOW - timedelta(minutes=3),
    "unsealed": 0,
    "unsealed_since": None,
    "unbooked": 0,
    "unbooked_since": None,
    "booked": 0,
    "median_seconds": None,
    "longest_seconds": None,
}
RUN = {
    "process": "invoice_reconciliation",
    "business_date": date(2026, 11, 24),
    "started_at": NOW - timedelta(hours=9),
    "reported_at": NOW - timedelta(hours=8),
}


def text_of(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return " ".join(" ".join(lxml.html.document_fromstring(response.text).find(".//main").itertext()).split())


def answer(client, case_id: int, action: str, code: str, reason: str = "as agreed"):
    case = client.get(f"/api/v1/cases/{case_id}").json()
    body = {"action": action, "reason_code": code, "reason": reason, "evidence_hash": case["evidence_hash"]}
    return client.post(
        f"/api/v1/cases/{case_id}/answers", json=body, headers={"Idempotency-Key": f"key-of-{case_id}"}
    )


def test_activity_shows_my_answers_and_nobody_elses(login, books):
    assert "You have not answered a case yet" in text_of(login("clerk"), "/activity")
    assert (
        answer(login("clerk"), books.duplicate, "reject", "duplicate", f"because {HOSTILE}").status_code
        == 201
    )
    assert answer(login("clerk"), books.quarantined, "discard", "advertising").status_code == 201
    mine = text_of(login("clerk"), "/activity")
    assert "Answered today 2" in mine
    assert "Wait for a second person 1" in mine
    assert "Not booked yet 1" in mine
    assert f"because {HOSTILE}" in mine
    assert HOSTILE not in login("clerk").get("/activity").text
    assert "You have not answered a case yet" in text_of(login("buyer"), "/activity")


def test_activity_keeps_the_answer_and_hides_the_case_when_the_role_is_gone(login, books, ledger):
    answer(login("clerk"), books.duplicate, "reject", "duplicate")
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.authority SET effective_to = '2001-01-01' WHERE person_id = 'p-clerk'"
        )
    response = login("clerk").get("/activity")
    assert "as agreed" in response.text
    assert "RE-1003" not in response.text
    assert f"/cases/{books.duplicate}" not in response.text


def test_the_health_page_counts_what_waits(look, standing_books):
    text = text_of(look("clerk"), "/health")
    assert "It answers." in text
    assert "No sealer is connected" in text
    assert "Last run of invoice reconciliation" in text
    assert "Its business day is set to" in text, "the clock of tests is set"
    assert "Buyer 2" in text


def level(name: str, **changes) -> tuple[str, str]:
    signs = {sign.name: sign for sign in judge({**WELL, **changes}, [RUN], NOW)}
    return signs[name].level, signs[name].told


def test_all_is_well():
    assert {sign.level for sign in judge(WELL, [RUN], NOW)} == {"good"}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"sealer": False}, "bad"),
        ({"unsealed": 5, "unsealed_since": NOW - timedelta(minutes=9)}, "good"),
        ({"unsealed": 5, "unsealed_since": NOW - timedelta(minutes=11)}, "bad"),
        ({"sealed_at": None}, "good"),
    ],
)
def test_the_sealer(changes, wanted):
    assert level("Sealer", **changes)[0] == wanted


@pytest.mark.parametrize(
    ("changes", "wanted", "said"),
    [
        ({"unbooked": 2, "unbooked_since": NOW - timedelta(minutes=5)}, "good", "2 wait to be booked"),
        ({"unbooked": 2, "unbooked_since": NOW - timedelta(minutes=16)}, "bad", "the oldest for 16 minutes"),
        (
            {"booked": 9, "median_seconds": 1.5, "longest_seconds": 130.0},
            "good",
            "within 1.5 s, all within 2 min",
        ),
    ],
)
def test_the_booking_of_answers(changes, wanted, said):
    found = level("Booking of answers", **changes)
    assert found[0] == wanted
    assert said in found[1]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"reported_at": None, "started_at": NOW - timedelta(hours=1)}, "warn"),
        ({"reported_at": None, "started_at": NOW - timedelta(hours=7)}, "bad"),
        ({"started_at": NOW - timedelta(hours=37)}, "warn"),
    ],
)
def test_the_last_run(changes, wanted):
    [sign] = [one for one in judge(WELL, [{**RUN, **changes}], NOW) if one.name.startswith("Last run")]
    assert sign.level == wanted


# -- Airflow's own processes -------------------------------------------------------------------------------------------

ALIVE = {"status": "healthy", "latest_triggerer_heartbeat": "2026-11-20T05:59:50+00:00"}


def airflow_said(**parts: object) -> dict[str, tuple[str, str]]:
    told = {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": None},
        "triggerer": ALIVE,
        "dag_processor": {"status": "healthy"},
        **parts,
    }
    now = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    return {sign.name: (sign.level, sign.told) for sign in signs_of(told, now)}


@pytest.mark.parametrize(
    ("said", "level", "told"),
    [
        (ALIVE, "good", "It lives; last heard of"),
        ({"status": "healthy", "latest_triggerer_heartbeat": None}, "good", "It lives."),
        ({**ALIVE, "status": "unhealthy", "latest_triggerer_heartbeat": "2026-11-20T05:00:00+00:00"}, "bad", "No sign of life for 1 hour"),
        ({"status": None, "latest_triggerer_heartbeat": None}, "bad", "has never heard of it"),
        ({"status": "unhealthy", "latest_triggerer_heartbeat": None}, "bad", "has never heard of it"),
        ({"status": "unhealthy", "latest_triggerer_heartbeat": "yesterday"}, "bad", "has never heard of it"),
        ("alive", "bad", "has never heard of it"),
        (None, "bad", "has never heard of it"),
    ],
)  # fmt: skip
def test_what_airflow_says_of_its_triggerer(said, level, told):
    found = airflow_said(triggerer=said)
    assert found["Triggerer"][0] == level
    assert told in found["Triggerer"][1]
    assert found["Scheduler"] == ("good", "It lives.")
    assert "Airflow's database" not in found


@pytest.mark.parametrize("said", [{"status": "unhealthy"}, None, []])
def test_airflow_without_its_database(said):
    assert airflow_said(metadatabase=said)["Airflow's database"][0] == "bad"


def around(dsn_source, path: str, answer) -> TestClient:
    """A host that answers Airflow's address of health, served under a path of its own."""
    host = FastAPI(root_path=path)

    @host.get("/api/v2/monitor/health")
    def get_health() -> object:
        return answer()

    host.mount("/backoffice", create_test_app(dsn_source))
    return TestClient(host, headers={"Authorization": f"Bearer {log_in('clerk')}"})


@pytest.mark.parametrize("path", ["", "/airflow"])
def test_the_page_asks_the_airflow_that_it_is_served_by(path, standing_ledger, standing_books, look):
    asked = []

    def answer() -> object:
        asked.append(1)
        return {
            "metadatabase": {"status": "healthy"},
            "scheduler": {"status": "healthy"},
            "triggerer": {"status": None},
        }

    text = around(lambda: standing_ledger.dsn("web"), path, answer).get(f"{path}/backoffice/health").text
    assert "Airflow has never heard of it." in text
    assert len(asked) == 1


def test_what_cannot_be_asked_is_called_not_asked(standing_ledger, standing_books, look, monkeypatch):
    monkeypatch.setattr(airflow_health, "_PATIENCE", 0.2)
    released = Event()
    answers = (lambda: 1 / 0, lambda: ["?"], lambda: released.wait(10), lambda: HTMLResponse("no", 503))
    for answer in answers:
        page = around(lambda: standing_ledger.dsn("web"), "", answer).get("/backoffice/health")
        assert page.status_code == 200
        assert "Not asked" in page.text
        assert "It answers." in page.text, "the rest of the page stands"
        released.set()
    assert "Not asked" in look("clerk").get("/health").text, "there is no Airflow around the pages"
