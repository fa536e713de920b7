"""The life of a case: claims, questions, comments, attachments, reminders, escalation."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0020"
down_revision = "0010"


def upgrade() -> None:
    """Add what happens to a case between its opening and its decision."""
    for text in schema_text("0020_case_life"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
