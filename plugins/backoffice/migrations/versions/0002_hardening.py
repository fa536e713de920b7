"""Facts that are unknown stay unknown, order lines know what was received, matching works on one table."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Keep every row; what was guessed before becomes unknown."""
    for text in schema_text("0002_matching", "0002_intake", "0002_posting"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
