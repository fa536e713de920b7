"""Matching: the working set is no longer a table of Alembic's, one key finds repeated documents."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Drop the old working tables; the routines bring their own."""
    for text in schema_text("0002_matching"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
