"""Intake: unknown stays unknown, quarantined content is counted once, receipts keep the unit they came in."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what intake needs to know beside the facts."""
    for text in schema_text("0002_intake"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
