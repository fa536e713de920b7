"""Personal data: keys per person, retention, legal holds, requests of two persons, purged records."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables. What the log held in plain text before stays so until it is purged."""
    for text in schema_text("0007_personal_data"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
