"""Deciding: which holds people may release, and how many persons that takes."""

from alembic import op

from backoffice.migrations import schema_text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Change the catalogue of hold codes; its rows stay the user's."""
    for text in schema_text("0003_deciding"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
