"""Alembic's entry: brings a database to the tables of the models. Run by `store.migrate`, not by hand."""

from alembic import context

from store.migrate import tables_of

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=tables_of(restricted=context.config.attributes.get("restricted", False)),
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
