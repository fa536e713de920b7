"""The same ledger with one run as the trigger's tests use."""

from __future__ import annotations

from tests.triggers.conftest import conn_id, run

__all__ = ["conn_id", "run"]
