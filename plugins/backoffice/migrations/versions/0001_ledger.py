"""The ledger database from nothing: schemas, tables, default privileges."""

from alembic import op

from backoffice.migrations import SCHEMAS, schema_text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table; nothing of the product exists before."""
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    op.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    for text in schema_text("10_ops", "20_audit", "30_intake", "40_purchasing", "50_ledger", "60_review"):
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    """Refuse: the books are append-only. Restore a back-up instead."""
    raise RuntimeError("the ledger database is not downgraded; restore a back-up")
