"""What a case's hand-over is found by and how far it has seen the books."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0040"
down_revision = "0030"


def upgrade() -> None:
    """Add the columns and the indexes."""
    for text in schema_text("0040_handover"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
