"""Batch sign-off as a case."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0070"
down_revision = "0060"


def upgrade() -> None:
    """Add batches, their items and their rules."""
    for text in schema_text("0070_batch_signoff"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
