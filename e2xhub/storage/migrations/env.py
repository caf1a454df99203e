"""alembic's entry: runs the migrations on the connection that `database.migrate` hands over."""

from __future__ import annotations

from alembic import context

from e2xhub.storage import second_factors  # noqa: F401 - declares its tables
from e2xhub.storage.database import metadata
from e2xhub.storage.exam_records import tables  # noqa: F401 - declares its tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="e2xhub_alembic_version",
    render_as_batch=True,
)
context.run_migrations()
