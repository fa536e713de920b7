"""Sources over HTTP: pages, windows, bad answers, foreign addresses, documents."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from tests.hooks.conftest import CONN_ID
from tests.hooks.source_server import Answer, Asked, Handler, SourceServer, page

from backoffice.exceptions import ConfigurationError, SourceUnavailableError, TransientError
from backoffice.hooks import source as source_module
from backoffice.hooks.source import SourceHook
from backoffice.hooks.source_page import ForeignAddressError

AS_OF = datetime(2026, 11, 22, 5, tzinfo=UTC)


def in_turn(*answers: Answer) -> Handler:
    """Give one answer after the other, the last one again and again."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_pages_are_followed_and_numbers_stay_as_printed(server: SourceServer, hook: SourceHook):
    server.answers["/erp/orders"] = lambda asked: (
        page([{"n": "3"}])
        if "cursor" in asked.query
        else Answer(
            b'{"items": [{"n": 1.10, "m": 12345678901234567890.5, "k": 7, "x": NaN}, 2],'
            b' "next": "/erp/orders?cursor=b",'
            b' "as_of": "2026-11-22T06:00:00+01:00", "control": {"count": 3, "amount": "1.10"}}'
        )
    )
    since = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    first, second = hook.pages(
        "/erp/orders", updated_since=since, page_size=2, filters={"supplier_id": "S 1&x"}
    )
    assert first.items == [{"n": "1.10", "m": "12345678901234567890.5", "k": "7", "x": "NaN"}, "2"]
    assert (first.as_of, first.control_count, first.control_amount) == (AS_OF, 3, Decimal("1.10"))
    assert first.content.startswith(b'{"items"')
    assert second.items == [{"n": "3"}]
    assert (second.next, second.control_count, second.control_amount) == (None, None, None)
    assert [asked.query for asked in server.asked] == [
        {"updated_since": "2026-11-21T12:30:00.000000Z", "page_size": "2", "supplier_id": "S 1&x"},
        {"cursor": "b"},
    ]
    login = "Basic " + base64.b64encode(b"reader:s3cret").decode()
    assert {asked.headers["Authorization"] for asked in server.asked} == {login}


def test_until_is_sent(server: SourceServer, hook: SourceHook):
    server.answers["/l"] = lambda _: page([])
    assert len(list(hook.pages("/l", updated_until=AS_OF))) == 1
    assert server.asked[0].query["updated_until"] == "2026-11-22T05:00:00.000000Z"


def test_pages_are_read_one_at_a_time(server: SourceServer, hook: SourceHook):
    server.answers["/l"] = lambda asked: page([1], f"/l?cursor={int(asked.query.get('cursor', 0)) + 1}")
    pages = hook.pages("/l")
    next(pages)
    next(pages)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "bad",
    [
        Answer(b"busy", 503),
        Answer(b"slow down", 429),
        Answer(b"broken", 500),
        Answer(b'{"items": [], "next"'),
        Answer(b'{"items": []', announced=5000),
        Answer(b""),
        Answer(b"[" * 100_000),
        Answer(b'{"items": 5, "as_of": "2026-11-22T05:00:00Z"}'),
        Answer(b'{"items": []}'),
        Answer(b'{"items": [], "as_of": "2026-11-22T05:00:00"}'),
        Answer(b'{"items": [], "as_of": "2026-11-22T05:00:00Z", "control": {"count": -1}}'),
        Answer(b'{"items": [], "as_of": "2026-11-22T05:00:00Z", "control": 7}'),
        Answer(b"\xff\xfe\x00", headers={"Content-Type": "application/json"}),
        Answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_bad_answer_is_asked_again(server: SourceServer, hook: SourceHook, bad: Answer):
    server.answers["/l"] = in_turn(bad, bad, page(["good"]))
    [only] = hook.pages("/l")
    assert only.items == ["good"]
    assert len(server.asked) == 3


def test_after_the_last_attempt_the_source_is_unavailable(server: SourceServer, hook: SourceHook):
    server.answers["/l"] = lambda _: Answer(b"busy", 503)
    with pytest.raises(
        SourceUnavailableError, match=r"no usable answer to /l in 3 tries: status 503"
    ) as caught:
        list(hook.pages("/l"))
    assert isinstance(caught.value, TransientError)
    assert len(server.asked) == 3


def test_nobody_listening_is_unavailable(monkeypatch: pytest.MonkeyPatch, server: SourceServer):
    monkeypatch.setenv("AIRFLOW_CONN_TEST_SOURCE", server.connection(port=1))
    hook = SourceHook(CONN_ID, timeout_seconds=1, attempts=2, longest_pause_seconds=0.01)
    with pytest.raises(SourceUnavailableError, match="ConnectionError"):
        list(hook.pages("/l"))
    assert hook.test_connection()[0] is False


def dripping(pause: float) -> Callable[[Asked], Answer]:
    def drip() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(pause)
            yield b" "

    return lambda _: Answer(chunks=drip())


def test_a_line_that_drips_is_cut_off(server: SourceServer):
    server.answers["/l"] = dripping(0.05)
    hook = SourceHook(CONN_ID, timeout_seconds=2, attempts=1, deadline_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="longer than"):
        list(hook.pages("/l"))
    assert time.monotonic() - started < 5


def test_a_silent_line_times_out(server: SourceServer):
    server.answers["/l"] = dripping(3)
    hook = SourceHook(CONN_ID, timeout_seconds=0.2, attempts=1)
    with pytest.raises(SourceUnavailableError):
        list(hook.pages("/l"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301, 302, 204])
def test_other_statuses_are_not_asked_again(server: SourceServer, hook: SourceHook, status: int):
    server.answers["/l"] = lambda _: Answer(b"", status, {"Location": "/elsewhere"})
    with pytest.raises(ConfigurationError, match=f"status {status}"):
        list(hook.pages("/l"))
    assert [asked.path for asked in server.asked] == ["/l"]


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/x",
        "//evil.example/x",
        "erp/orders",
        "/\\evil.example",
        "/a b",
        "/a\nb",
        7,
        ["/l"],
        "",
        "/ä",
    ],
)
def test_next_page_elsewhere_is_refused(server: SourceServer, hook: SourceHook, address: str):
    server.answers["/l"] = lambda _: page([], address)
    with pytest.raises(ConfigurationError, match="no path on the source's own host"):
        list(hook.pages("/l"))
    assert len(server.asked) == 1


def test_pages_in_a_circle_end(server: SourceServer, hook: SourceHook):
    server.answers["/l"] = lambda asked: page(
        [], "/l?cursor=b" if asked.query.get("cursor") == "a" else "/l?cursor=a"
    )
    with pytest.raises(SourceUnavailableError, match="have no end"):
        list(hook.pages("/l"))


def test_page_too_large(server: SourceServer, hook: SourceHook, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source_module, "MAX_PAGE_BYTES", 1000)
    server.answers["/l"] = lambda _: page(["x" * 2000])
    with pytest.raises(ConfigurationError, match="lower page_size"):
        list(hook.pages("/l"))


def test_endpoint_must_be_a_path(hook: SourceHook):
    with pytest.raises(ForeignAddressError):
        list(hook.pages("http://evil.example/"))


def test_endpoint_lies_below_the_path_of_the_host(server: SourceServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_TEST_SOURCE", server.connection(host=f"http://127.0.0.1:{server.port}/api/", port=None)
    )
    server.answers["/api/l"] = lambda asked: page(
        [], None if asked.query.get("cursor") else "/api/l?cursor=a"
    )
    assert len(list(SourceHook(CONN_ID).pages("/l"))) == 2


CONTENT = b"<Invoice/>" * 100
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_document_with_its_hash_and_size(server: SourceServer, hook: SourceHook):
    server.answers["/d"] = lambda _: Answer(
        CONTENT, headers={"Content-Type": "application/xml; charset=utf-8"}
    )
    download = hook.content("/d", sha256=DIGEST.upper(), size=len(CONTENT))
    assert (download.content, download.media_type, download.problem) == (CONTENT, "application/xml", None)
    assert download.sha256.hex() == DIGEST


def test_document_that_differs_from_the_list_is_fetched_again(server: SourceServer, hook: SourceHook):
    server.answers["/d"] = in_turn(Answer(CONTENT[:10]), Answer(b"x" * len(CONTENT)), Answer(CONTENT))
    download = hook.content("/d", sha256=DIGEST, size=len(CONTENT))
    assert (download.content, download.problem) == (CONTENT, None)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"size": 5}, "1000 bytes arrived, the source lists 5"),
        ({"sha256": "ab" * 32}, f"the source lists {'ab' * 32}"),
    ],
)
def test_document_that_never_is_what_the_list_says_is_no_document(
    server: SourceServer, hook: SourceHook, listed: dict[str, Any], said: str
):
    server.answers["/d"] = lambda _: Answer(CONTENT)
    with pytest.raises(SourceUnavailableError, match=said):
        hook.content("/d", **listed)
    assert len(server.asked) == hook.attempts


@pytest.mark.parametrize("again", ["control", "as_of"])
def test_page_that_names_a_field_twice_is_no_page(server: SourceServer, hook: SourceHook, again: str):
    body = (
        b'{"items": [], "next": null, "as_of": "2026-11-22T05:00:00Z", "control": {"count": 0, "count": 1}}'
    )
    if again == "as_of":
        body = (
            b'{"as_of": "2026-11-21T05:00:00Z", "items": [], "next": null, "as_of": "2026-11-22T05:00:00Z"}'
        )
    server.answers["/l"] = lambda _: Answer(body)
    with pytest.raises(SourceUnavailableError):
        list(hook.pages("/l"))


@pytest.mark.parametrize("status", [404, 410])
def test_document_that_is_gone(server: SourceServer, hook: SourceHook, status: int):
    server.answers["/d"] = lambda _: Answer(b"", status)
    download = hook.content("/d")
    assert download.content is None
    assert f"status {status}" in (download.problem or "")


def test_document_too_large_is_not_kept(server: SourceServer, hook: SourceHook):
    server.answers["/d"] = lambda _: Answer(CONTENT)
    assert "not fetched" in (hook.content("/d", size=10**12).problem or "")
    assert server.asked == []
    download = hook.content("/d", max_bytes=999)
    assert (download.content, download.problem) == (None, "not kept: longer than the limit of 999 bytes")


def test_document_elsewhere_is_not_fetched(server: SourceServer, hook: SourceHook):
    for href in ("http://evil.example/", "//evil.example/", "file:///etc/passwd"):
        download = hook.content(href)
        assert download.content is None
        assert "no path on the source's own host" in (download.problem or "")
    assert server.asked == []


def test_document_is_asked_for_again(server: SourceServer, hook: SourceHook):
    server.answers["/d"] = in_turn(Answer(b"", 503), Answer(CONTENT[:10], announced=1000), Answer(CONTENT))
    assert hook.content("/d", sha256=DIGEST).problem is None


def test_test_connection(server: SourceServer, hook: SourceHook):
    assert hook.test_connection() == (True, "The source answers (status 404).")
    server.answers["/"] = lambda _: Answer(b"", 401)
    assert hook.test_connection() == (False, "The source answers with status 401.")


def test_password_is_never_logged(server: SourceServer, hook: SourceHook, caplog: pytest.LogCaptureFixture):
    numbers = count()
    server.answers["/l"] = lambda _: Answer(b"", 503) if next(numbers) < 2 else page([])
    with caplog.at_level(logging.DEBUG):
        list(hook.pages("/l"))
    assert "s3cret" not in caplog.text
    assert base64.b64encode(b"reader:s3cret").decode() not in caplog.text
