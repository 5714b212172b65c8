"""Runs the migrations on the connection that `registry.database` hands over; Alembic loads this file by its path."""

from alembic import context

from nichetune.registry.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
