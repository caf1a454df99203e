"""Which account of a sign-in service is which user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(500), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("bound_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("username", name="uq_identities_username"),
        sa.UniqueConstraint("directory", name="uq_identities_directory"),
    )


def downgrade() -> None:
    """Removes the table: names are bound anew, to whoever signs in with them first."""
    op.drop_table("identities")
