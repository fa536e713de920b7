"""Verifying the audit log: what is examined, and how, without a database."""
