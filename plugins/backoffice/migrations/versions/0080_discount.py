"""Discounts of invoices, and how the measuring of persons ended."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0080"
down_revision = "0070"


def upgrade() -> None:
    """Add until when a discount is given, and who ended measuring of persons under which key."""
    for text in schema_text("0080_discount"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
