"""Three-way reconciliation of supplier invoices with purchase orders and goods receipts."""

from backoffice.processes.invoice_reconciliation.build import build_tasks, run_params
from backoffice.processes.invoice_reconciliation.config import (
    ExtractSource,
    FolderSource,
    HttpSource,
    Reconciliation,
)

__all__ = ["ExtractSource", "FolderSource", "HttpSource", "Reconciliation", "build_tasks", "run_params"]
