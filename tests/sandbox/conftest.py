"""A company, its server and a client for the sandbox's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx
import pytest

from backoffice.sandbox.generator import Company, generate
from backoffice.sandbox.server import Credentials, SandboxClock, running

ANCHOR = date(2026, 3, 18)
MORNING = datetime(2026, 3, 18, 6, tzinfo=UTC)


@pytest.fixture(scope="session")
def company() -> Company:
    return generate(11, 300, "realistic", ANCHOR)


@pytest.fixture(scope="session")
def credentials() -> Credentials:
    return Credentials("tester", "right & secret: ü")


@pytest.fixture(scope="session")
def _clock() -> SandboxClock:
    return SandboxClock(MORNING, frozen=True)


@pytest.fixture(scope="session")
def address(company: Company, credentials: Credentials, _clock: SandboxClock) -> Iterator[str]:
    with running(company, credentials, _clock) as base_url:
        yield base_url


@pytest.fixture
def clock(_clock: SandboxClock) -> SandboxClock:
    """The server's clock; stands still on the anchor's morning, when everything can be seen."""
    _clock.set(MORNING)
    return _clock


@pytest.fixture
def client(address: str, credentials: Credentials, clock: SandboxClock) -> Iterator[httpx.Client]:
    """Calls the real server, which is as after a start."""
    auth = httpx.BasicAuth(credentials.user, credentials.password)
    with httpx.Client(base_url=address, auth=auth, trust_env=False, timeout=10) as client:
        client.post("/admin/reset").raise_for_status()
        yield client
