"""Hooks: connections to the ledger and to the source systems."""
