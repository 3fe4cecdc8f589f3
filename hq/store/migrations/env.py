"""Alembic's way in: hq.store.schema hands over its open connection and commits by itself."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
