"""Every asset that the product's Dags produce, once."""

from __future__ import annotations

from airflow.sdk import Asset

JOURNAL = Asset(name="backoffice_journal", uri="backoffice://ledger/journal")
PAYMENT_PROPOSALS = Asset(name="backoffice_payment_proposals", uri="backoffice://ledger/payment_proposals")
AUDIT_LOG = Asset(name="backoffice_audit_log", uri="backoffice://audit/log")
REVIEW_CASES = Asset(name="backoffice_review_cases", uri="backoffice://review/cases")
