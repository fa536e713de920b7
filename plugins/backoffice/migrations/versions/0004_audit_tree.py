"""The audit log's hash tree, checkpoints, keys and anchors."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables; records that are there already wait for the first seal."""
    for text in schema_text("0004_audit_tree"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
