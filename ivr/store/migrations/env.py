"""What Alembic runs: the migrations, on the connection that ``ivr.store.schema`` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from ivr.store.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
context.run_migrations()
