"""Alembic's entry: runs the versions on the connection that ``migrate`` opened as the owner."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table_schema="ops", include_schemas=True
)
with context.begin_transaction():
    context.run_migrations()
