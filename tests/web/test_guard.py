"""What stands before every page: other sites, large bodies, headers, errors of ours."""

from __future__ import annotations

import json
import logging
import time

import pytest
from fastapi.testclient import TestClient
from tests.web.host import create_host, log_in

from backoffice.web.mount import DeferredApplication

STRICT = "default-src 'none'; script-src 'self'; style-src 'self'"
ANSWER = json.dumps(
    {"action": "accept", "reason_code": "approved", "reason": "as agreed", "evidence_hash": "00" * 32}
)


def send(client: TestClient, address: str, **headers: str):
    """Send an answer the way a browser does: logged in by cookie."""
    client.cookies.set("_token", log_in("buyer"))
    return client.post(
        address,
        content=ANSWER,
        headers={"Content-Type": "application/json", "Idempotency-Key": "0123456789", **headers},
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "X-Requested-With": "backoffice"},
        {"Sec-Fetch-Site": "cross-site", "X-Requested-With": "backoffice"},
        {"Sec-Fetch-Site": "none", "X-Requested-With": "backoffice"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Authorization": "Basic YnV5ZXI6eA=="},  # the cookie would still say who asks
    ],
)
def test_a_write_that_another_site_could_have_caused_is_refused(
    headers, look, standing_books, standing_ledger
):
    response = send(look(None), f"/api/v1/cases/{standing_books.price}/answers", **headers)
    assert response.status_code == 403
    assert "another site" in response.json()["detail"]
    with standing_ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (0,)


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_page_may_write(site, look, standing_books):
    response = send(
        look(None),
        f"/api/v1/cases/{standing_books.price}/answers",
        **{"X-Requested-With": "backoffice"},
        **site,
    )
    assert response.status_code == 409, "past the guard: the ledger sees that the facts are others"


def test_a_program_with_a_token_needs_no_header(look, standing_books):
    response = look("buyer").post(
        f"/api/v1/cases/{standing_books.price}/answers",
        json=json.loads(ANSWER),
        headers={"Idempotency-Key": "0123456789"},
    )
    assert response.status_code == 409


@pytest.mark.parametrize(
    "address", ["/cases", "/nothing", "/api/v1/cases", "/api/v1/nothing", "/static/backoffice.js"]
)
@pytest.mark.parametrize("user", [None, "clerk", "viewer"])
def test_every_answer_carries_the_security_headers(address, user, look):
    headers = look(user).get(address).headers
    if user is None and not address.startswith("/api/"):
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    else:
        assert headers["content-security-policy"].startswith(STRICT)
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


def test_a_body_that_is_too_large_is_refused_by_its_header_and_by_its_length(look, standing_books):
    client, address = look("buyer"), f"/api/v1/cases/{standing_books.price}/answers"
    assert client.post(address, content=b"x" * 70_000).status_code == 413
    assert client.post(address, content=iter([b"x" * 40_000, b"y" * 40_000])).status_code == 413
    assert client.post(address, content=b"{}", headers={"Content-Length": "-1"}).status_code == 413


def test_an_error_of_ours_is_our_page_and_never_the_hosts(ledger, app, books, monkeypatch, caplog):
    host = create_host(lambda: ledger.dsn("web"))
    monkeypatch.setattr("backoffice.web.inbox.list_cases", lambda *_, **__: 1 / 0)
    client = TestClient(
        host, headers={"Authorization": f"Bearer {log_in('clerk')}"}, raise_server_exceptions=True
    )
    page, problem = client.get("/backoffice/cases"), client.get("/backoffice/api/v1/cases")
    assert page.status_code == problem.status_code == 500
    assert "Something went wrong on our side" in page.text
    assert problem.json()["status"] == 500
    assert "ZeroDivisionError" not in page.text + problem.text
    assert "ZeroDivisionError" in caplog.text


def test_a_broken_error_page_still_is_an_answer(ledger, books, monkeypatch):
    host = create_host(lambda: ledger.dsn("web"))
    monkeypatch.setattr("backoffice.web.inbox.list_cases", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("backoffice.web.problems.render_page", lambda *_, **__: 1 / 0)
    client = TestClient(
        host, headers={"Authorization": f"Bearer {log_in('clerk')}"}, raise_server_exceptions=True
    )
    response = client.get("/backoffice/cases")
    assert response.status_code == 500
    assert "Nothing was saved" in response.text


def test_pages_that_cannot_be_built_answer_503_and_are_tried_again(caplog):
    attempts = []

    def build():
        attempts.append(time.monotonic())
        raise RuntimeError("a template is missing")

    caplog.set_level(logging.ERROR)
    client = TestClient(DeferredApplication(build), raise_server_exceptions=True)
    assert [client.get("/cases").status_code for _ in range(2)] == [503, 503]
    assert len(attempts) == 2
    assert "a template is missing" in caplog.text
