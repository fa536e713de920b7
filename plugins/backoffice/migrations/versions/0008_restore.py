"""What two log keepers agree about the audit log: a restore, a lost signing key."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables of proposals and confirmations."""
    for text in schema_text("0008_restore"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
