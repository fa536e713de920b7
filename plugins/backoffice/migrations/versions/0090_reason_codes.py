"""Reasons of answers as data."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0090"
down_revision = "0060"


def upgrade() -> None:
    """Add the table of reasons; they are loaded with the other reference data."""
    for text in schema_text("0090_reason_codes"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
