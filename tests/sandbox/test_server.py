"""Access, disturbances, test controls and outbox of the server, and its command line."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from backoffice.sandbox.generator import Company
from backoffice.sandbox.server import Credentials, SandboxClock, create_app
from backoffice.sandbox.server.clock import usual_start

PLUGINS = Path(__file__).parents[2] / "plugins"
MORNING = datetime(2026, 3, 18, 6, tzinfo=UTC)


def _every_address(company: Company, credentials: Credentials) -> list[tuple[str, str]]:
    """Method and path of every route there is, so that none can be forgotten here."""
    found = []
    for router in create_app(company, credentials).routes:
        for method in getattr(router, "methods", None) or ():
            found.append((method, router.path.replace("{message_id}", company.documents[0].message_id)))
    return found


def test_every_address_refuses_strangers(address: str, company: Company, credentials: Credentials):
    addresses = [one for one in _every_address(company, credentials) if one[1] != "/health"]
    assert {path for _, path in addresses} >= {
        "/erp/orders",
        "/mailbox/outbox",
        "/admin/clock",
        "/admin/requests",
    }
    wrong = {
        "nobody": {},
        "wrong password": _basic("tester", "wrong"),
        "wrong user": _basic("Tester", credentials.password),
        "empty": _basic("", ""),
        "no base64": {"Authorization": "Basic !!!"},
        "other scheme": {
            "Authorization": _basic("tester", credentials.password)["Authorization"].replace(
                "Basic", "Bearer"
            )
        },
    }
    with httpx.Client(base_url=address, trust_env=False) as client:
        for method, path in [*addresses, ("GET", "/nowhere")]:
            for who, headers in wrong.items():
                answer = client.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, who)
                assert answer.headers["www-authenticate"].startswith("Basic ")
                assert answer.headers["x-synthetic-data"] == "backoffice-sandbox seed=11"
        assert client.get("/health").json()["status"] == "ok"


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_credentials_are_needed_and_not_shown(credentials: Credentials):
    with pytest.raises(ValueError, match="user and a password"):
        Credentials("tester", "")
    assert "secret" not in repr(credentials)


def test_health_says_which_company_is_played(client: httpx.Client):
    health = client.get("/health").json()
    assert health == {
        "status": "ok",
        "seed": 11,
        "size": 300,
        "mix": "realistic",
        "anchor": "2026-03-18",
        "clock": "2026-03-18T06:00:00.000000Z",
    }


def test_answers_are_marked_as_synthetic(client: httpx.Client):
    assert client.get("/erp/suppliers").headers["x-synthetic-data"] == "backoffice-sandbox seed=11"


def test_labels_are_not_served(client: httpx.Client):
    for path in ("/labels", "/admin/labels", "/openapi.json", "/docs"):
        assert client.get(path).status_code == 404
    body = client.get("/mailbox/messages").text
    assert "scenario" not in body
    assert "expected" not in body


def _disturb(client: httpx.Client, service: str, mode: str, **more: Any) -> None:
    answer = client.post("/admin/outage", json={"service": service, "mode": mode, **more})
    assert answer.status_code == 200, answer.text


def test_a_service_can_be_down_alone(client: httpx.Client):
    _disturb(client, "warehouse", "down")
    assert client.get("/warehouse/receipts").status_code == 503
    assert client.get("/erp/orders").status_code == 200
    _disturb(client, "warehouse", "none")
    assert client.get("/warehouse/receipts").status_code == 200


def test_an_outage_may_end_after_some_requests(client: httpx.Client):
    _disturb(client, "erp", "down", requests=2)
    assert [client.get("/erp/suppliers").status_code for _ in range(3)] == [503, 503, 200]


def test_a_service_can_be_slow(client: httpx.Client):
    _disturb(client, "erp", "slow", seconds=0.3)
    begin = time.monotonic()
    assert client.get("/erp/suppliers").status_code == 200
    assert time.monotonic() - begin >= 0.3
    with pytest.raises(httpx.ReadTimeout):
        client.get("/erp/suppliers", timeout=0.1)


def test_a_body_can_be_cut(client: httpx.Client, company: Company):
    whole = client.get("/warehouse/receipts").content
    _disturb(client, "warehouse", "truncate")
    cut = client.get("/warehouse/receipts")
    assert cut.status_code == 200
    assert whole.startswith(cut.content)
    assert 0 < len(cut.content) < len(whole)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        cut.json()
    _disturb(client, "mailbox", "truncate")
    document = max(company.documents, key=lambda one: one.size)
    content = client.get(f"/mailbox/messages/{document.message_id}/content").content
    assert hashlib.sha256(content).hexdigest() != document.sha256


def test_control_totals_can_be_wrong(client: httpx.Client, company: Company):
    _disturb(client, "mailbox", "wrong_totals")
    page = client.get("/mailbox/messages").json()
    assert page["control"]["count"] == len(page["items"]) + 1 == len(company.documents) + 1
    assert page["control"]["amount"] == str(sum(document.size for document in company.documents) + 1)
    _disturb(client, "erp", "wrong_totals")
    assert client.get("/erp/suppliers").json()["control"] == {
        "count": len(company.suppliers) + 1,
        "amount": None,
    }


@pytest.mark.parametrize(
    "setting",
    [{"service": "bank", "mode": "down"}, {"service": "erp", "mode": "sideways"}, {"service": "erp"}],
)
def test_unknown_disturbances_are_refused(client: httpx.Client, setting: dict[str, str]):
    assert client.post("/admin/outage", json=setting).status_code == 422


def test_the_clock_can_be_put(client: httpx.Client, company: Company):
    answer = client.post("/admin/clock", json={"now": "2026-02-27T10:00:00+01:00"})
    assert answer.json() == {"clock": "2026-02-27T09:00:00.000000Z"}
    visible = client.get("/mailbox/messages").json()["control"]["count"]
    assert 0 < visible < len(company.documents)
    assert client.post("/admin/clock", json={"now": "2026-02-27T10:00:00"}).status_code == 422


def test_a_running_clock_runs_and_a_stamp_never_comes_again():
    clock = SandboxClock(MORNING)
    first = clock.now()
    time.sleep(0.01)
    stamp = clock.stamp()
    assert first < stamp < clock.now()
    frozen = SandboxClock(MORNING, frozen=True)
    assert frozen.now() == frozen.stamp() == MORNING
    assert frozen.now() > MORNING
    with pytest.raises(ValueError, match="time zone"):
        SandboxClock(MORNING.replace(tzinfo=None))


def test_the_usual_clock_shows_everything_and_never_goes_back():
    today = datetime.now(UTC).date()
    for anchor in (today - timedelta(days=40), today):
        assert abs(usual_start(anchor) - datetime.now(UTC)) < timedelta(seconds=5)
    ahead = today + timedelta(days=3)
    assert usual_start(ahead) == datetime(ahead.year, ahead.month, ahead.day, tzinfo=UTC)


def test_an_injected_document_is_in_the_mailbox_at_once(client: httpx.Client, company: Company):
    before = client.get("/mailbox/messages").json()
    raw = client.post(
        "/admin/documents",
        content=b"<anything/>",
        headers={"X-Filename": "r%C3%A9sum%C3%A9.xml", "Content-Type": "application/xml"},
    )
    form = client.post("/admin/documents", files={"file": ("scan.pdf", b"%PDF-1.4", "application/pdf")})
    assert (raw.status_code, form.status_code) == (201, 201)
    page = client.get("/mailbox/messages", params={"updated_since": before["as_of"]}).json()
    assert [(item["filename"], item["media_type"], item["size"]) for item in page["items"]] == [
        ("résumé.xml", "application/xml", 11),
        ("scan.pdf", "application/pdf", 8),
    ]
    assert page["control"] == {"count": 2, "amount": "19"}
    assert client.get(page["items"][0]["href"]).content == b"<anything/>"
    assert client.get("/mailbox/messages").json()["control"]["count"] == len(company.documents) + 2


def test_an_injected_document_needs_a_name(client: httpx.Client):
    assert client.post("/admin/documents", content=b"x").status_code == 422
    assert client.post("/admin/documents", files={}, data={"a": "b"}).status_code == 422


NOTICE = {"supplier_id": "S10001", "subject": "Rückfrage", "body": "Bitte um Beleg.", "reference": "RE-1"}


def test_a_message_is_sent_once(client: httpx.Client):
    first = client.post("/mailbox/outbox", json=NOTICE, headers={"Idempotency-Key": "k1"})
    again = client.post("/mailbox/outbox", json=NOTICE, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = client.post(
        "/mailbox/outbox", json={**NOTICE, "body": "Nein."}, headers={"Idempotency-Key": "k1"}
    )
    assert other.status_code == 409
    second = client.post("/mailbox/outbox", json=NOTICE, headers={"Idempotency-Key": "k2"})
    assert second.json()["id"] != first.json()["id"]
    sent = client.get("/mailbox/outbox").json()
    assert sent["count"] == 2
    assert [item["id"] for item in sent["items"]] == [first.json()["id"], second.json()["id"]]
    assert sent["items"][0]["body"] == "Bitte um Beleg."


def test_a_message_needs_a_key_and_its_fields(client: httpx.Client):
    assert client.post("/mailbox/outbox", json=NOTICE).status_code == 422
    key = {"Idempotency-Key": "k"}
    assert client.post("/mailbox/outbox", json={**NOTICE, "cc": "x"}, headers=key).status_code == 422
    assert client.post("/mailbox/outbox", json={"subject": "x"}, headers=key).status_code == 422


def test_reset_forgets_everything_that_was_told(client: httpx.Client, company: Company):
    client.post("/admin/documents", content=b"x", headers={"X-Filename": "x.xml"})
    client.post("/mailbox/outbox", json=NOTICE, headers={"Idempotency-Key": "k1"})
    _disturb(client, "erp", "down")
    client.post("/admin/reset")
    assert client.get("/admin/requests").json() == {"total": 0, "calls": {}}
    assert client.get("/erp/orders").status_code == 200
    assert client.get("/mailbox/outbox").json() == {"items": [], "count": 0}
    assert client.get("/mailbox/messages").json()["control"]["count"] == len(company.documents)
    assert client.get("/mailbox/messages/X0000001/content").status_code == 404


def test_calls_are_counted(client: httpx.Client):
    client.delete("/admin/requests")
    for _ in range(2):
        client.get("/erp/orders", params={"page_size": 1})
    client.get("/mailbox/messages")
    httpx.get(client.base_url.join("/erp/orders"), trust_env=False)
    calls = client.get("/admin/requests").json()
    assert calls == {"total": 3, "calls": {"GET /erp/orders": 2, "GET /mailbox/messages": 1}}


def _command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "backoffice.sandbox", *arguments],
        env={**inherited, "PYTHONPATH": str(PLUGINS), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_command_serves_soon_and_stops_on_request():
    begin = time.monotonic()
    server = _command(
        *("serve", "--port", "0", "--seed", "3", "--size", "120", "--anchor", "2026-03-18"),
        *("--clock", "2026-03-18T07:00:00+01:00"),
        BACKOFFICE_SANDBOX_USER="u",
        BACKOFFICE_SANDBOX_PASSWORD="p",
    )
    try:
        line = server.stdout.readline()
        assert "seed 3, 120 documents, realistic" in line
        address = line.split(" at ")[1].strip()
        while True:
            try:
                health = httpx.get(f"{address}/health", trust_env=False).json()
                break
            except httpx.ConnectError:
                assert time.monotonic() - begin < 15
                time.sleep(0.02)
        assert health["clock"].startswith("2026-03-18T06:00:0")
        assert httpx.get(f"{address}/erp/orders", auth=("u", "p"), trust_env=False).status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"BACKOFFICE_SANDBOX_USER": "u"},
        {"BACKOFFICE_SANDBOX_USER": "u", "BACKOFFICE_SANDBOX_PASSWORD": ""},
    ],
)
def test_command_refuses_to_serve_nobody(environment: dict[str, str]):
    server = _command("serve", "--size", "1", **environment)
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert "BACKOFFICE_SANDBOX_PASSWORD" in error


def test_command_refuses_a_clock_without_time_zone():
    server = _command(
        *("serve", "--size", "1", "--clock", "2026-03-18T06:00:00"),
        BACKOFFICE_SANDBOX_USER="u",
        BACKOFFICE_SANDBOX_PASSWORD="p",
    )
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert "time zone" in error
