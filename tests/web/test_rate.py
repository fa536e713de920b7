"""The allowance of a log-in: so much at once, so much per second, each for itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.web.rate import Allowance, Buckets


class Clock:
    """A clock that a test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_so_many_per_second():
    clock = Clock()
    buckets = Buckets({"write": Allowance(3, 2.0)}, clock)
    assert [buckets.take("a", "write") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 0.4
    assert buckets.take("a", "write") == pytest.approx(0.1)
    clock.now += 0.2
    assert buckets.take("a", "write") == 0
    assert buckets.take("b", "write") == 0, "another log-in has its own"


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=60))
def test_never_more_than_the_allowance(pauses):
    clock = Clock()
    buckets, allowed = Buckets({"write": Allowance(5, 2.0)}, clock), 0
    for pause in pauses:
        clock.now += pause
        allowed += buckets.take("a", "write") == 0
    assert allowed <= 5 + 2.0 * sum(pauses) + 1e-6


def test_buckets_do_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr("backoffice.web.rate._MOST_BUCKETS", 10)
    buckets = Buckets({"write": Allowance(1, 0.001)}, Clock())
    for number in range(50):
        buckets.take(str(number), "write")
    assert buckets.take("49", "write") > 0
    assert buckets.take("0", "write") == 0, "the one not used for longest was given up"


def test_too_many_writes_are_told_when_to_try_again(login, app, books):
    app.state.rates = Buckets({"write": Allowance(2, 0.5), "search": Allowance(1, 0.5)}, Clock())
    client, body = login("clerk"), {"action": "accept", "cases": [{"case_id": 1, "evidence_hash": "0" * 64}]}
    statuses = [client.post("/api/v1/cases/answers/check", json=body).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = client.post("/api/v1/cases/answers/check", json=body)
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["content-type"] == "application/problem+json"
    assert login("buyer").post("/api/v1/cases/answers/check", json=body).status_code == 200
    assert [client.get("/cases?q=x").status_code for _ in range(2)] == [200, 429]
    assert client.get("/cases").status_code == 200, "reading a page is not limited"
    assert (
        login(None)
        .post("/api/v1/cases/answers/check", json=body, headers={"X-Requested-With": "backoffice"})
        .status_code
        == 401
    )
