"""A source to ask, and a hook that asks it without long pauses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hooks.source_server import SourceServer, serving

from backoffice.hooks.source import SourceHook

CONN_ID = "test_source"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    with serving() as running:
        monkeypatch.setenv("AIRFLOW_CONN_TEST_SOURCE", running.connection())
        yield running


@pytest.fixture
def hook(server: SourceServer) -> Iterator[SourceHook]:
    source = SourceHook(CONN_ID, timeout_seconds=2, attempts=3, longest_pause_seconds=0.01)
    yield source
    source.close()
