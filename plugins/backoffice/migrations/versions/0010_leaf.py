"""Who makes the leaf of a record."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Hash each body once."""
    for text in schema_text("0010_leaf"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
