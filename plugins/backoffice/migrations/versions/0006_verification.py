"""When the audit log was last verified."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    for text in schema_text("0006_verification"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
