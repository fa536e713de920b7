"""The authority matrix, quorum, substitutes, duties, and changes of all this by two people."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0030"
down_revision = "0020"


def upgrade() -> None:
    """Give each authority its cost centre, code and variance limits; make the other tables."""
    for text in schema_text("0030_authority"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
