"""The same ledger as the trigger's tests use."""

from __future__ import annotations

from tests.triggers.conftest import conn_id

__all__ = ["conn_id"]
