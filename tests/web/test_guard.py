"""What stands before every page: other sites, large bodies, headers, errors of ours."""

from __future__ import annotations

import asyncio
import json
import logging
import re
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


def writes(app) -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in app.routes
        for method in route.methods
        if method not in ("GET", "HEAD")
    ]


@pytest.mark.parametrize(
    "credentials", [{}, {"authorization": "Bearer forged.token.here"}, {"cookie": "_token=forged"}]
)
def test_no_byte_of_a_body_is_read_before_somebody_is_logged_in(app, credentials):
    """Neither with a length that is announced nor in pieces; and the same for each route that writes."""
    addresses = writes(app)
    assert len(addresses) >= 25
    for method, path in addresses:
        for length in ({}, {"content-length": "60000"}):
            answered = ask_without_reading(app, method, path, {**credentials, **length})
            assert answered in ((401,) if not credentials else (403,)), (method, path)


def test_a_body_that_is_announced_too_large_is_refused_before_reading_it(app, books):
    """From who is logged in, too."""
    headers = {"authorization": f"Bearer {log_in('clerk')}", "content-length": str(13 * 1024 * 1024)}
    for method, path in writes(app):
        if not path.endswith("/attachments"):
            assert ask_without_reading(app, method, path, headers) == 413, (method, path)
    large = {**headers, "content-length": str(21 * 1024 * 1024)}
    assert ask_without_reading(app, "POST", "/api/v1/cases/1/attachments", large) == 413


def ask_without_reading(app, method: str, path: str, headers: dict[str, str]) -> int:
    """Return the status of a request that fails the test when its body is asked for."""
    sent = []

    async def receive():
        raise AssertionError(f"{method} {path}: the body was read")

    async def send(message):
        sent.append(message)

    given = {"x-requested-with": "backoffice", "content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("address", ["/runs/a%00b/c", "/api/v1/runs/a/b%00/report", "/cases/1%00"])
def test_a_zero_byte_in_an_address_is_no_page(address, look, standing_books):
    assert look("admin").get(address).status_code == 404
