"""Policies: versions with a business day, proposals, and what people did with them."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Keep every version as it was activated; from now on which one decides follows from the business day."""
    for text in schema_text("0005_policy_change"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
