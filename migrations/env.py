"""Alembic's entry: brings a database to the tables of `models.tables`. Run by `store.migrate`, not by hand."""

from alembic import context
from sqlmodel import SQLModel

import models.tables  # noqa: F401 - the tables register themselves

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
