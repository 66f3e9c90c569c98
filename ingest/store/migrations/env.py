"""What Alembic runs for every command; `migrate` hands it an open transaction."""

from alembic import context

from ingest.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
