"""A ledger for the tests of one file that only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import Ledger, cloned_ledger


@pytest.fixture(scope="module")
def module_ledger(postgres: str, ledger_template: str) -> Iterator[Ledger]:
    """A fresh migrated ledger database for the tests of one file."""
    with cloned_ledger(postgres, ledger_template) as database:
        yield database
