"""Indexes that the inbox reads its first page from, however many cases wait."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0050"
down_revision = "0040"


def upgrade() -> None:
    """Let the inbox sort, filter, count and search by index."""
    for text in schema_text("0050_inbox"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
