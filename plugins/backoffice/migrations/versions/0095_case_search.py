"""A search in the inbox finds orders, receipts and amounts, however they are written."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0095"
down_revision = "0090"


def upgrade() -> None:
    """Let a trigger write what a search looks through."""
    for text in schema_text("0095_case_search"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
