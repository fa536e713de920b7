"""Notices to people, test cases, and how people decide."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0060"
down_revision = "0050"


def upgrade() -> None:
    """Add what is told to people and what is measured of deciding."""
    for text in schema_text("0060_oversight"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
