"""Fixtures of the runtime's tests: an installation in a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.runtime.home import Home
from backoffice.runtime.lifecycle import bring_down

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An installation of its own; whatever a test leaves running there is ended."""
    installation = Home(tmp_path / "var", PROJECT)
    yield installation
    bring_down(installation, lambda text: None, patience=5, grace=0.3)


@pytest.fixture
def child_environment() -> dict[str, str]:
    """The environment for programs that a test starts: this Python's, with the package importable."""
    return {**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), "PYTHONUNBUFFERED": "1"}
