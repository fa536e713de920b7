"""Posting: what each booked line stands for in GR/IR, and which invoices may be paid."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables, filled from what is booked."""
    for text in schema_text("0002_posting"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
