"""How decision records are stored."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Store records of usual size as they are."""
    for text in schema_text("0009_decision_record"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
