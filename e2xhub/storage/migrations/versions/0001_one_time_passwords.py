"""The table of one-time passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "one_time_passwords",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exam", sa.String(63), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_key_id", sa.String(16), nullable=False),
        sa.Column("issued_at", sa.DateTime, nullable=False),
        sa.Column("issued_by", sa.String(200), nullable=False),
        sa.Column("consumed_at", sa.DateTime),
        sa.Column("consumed_from", sa.String(45)),
        sa.UniqueConstraint(
            "exam", "username", "generation", name="uq_one_time_passwords_generation"
        ),
    )
    op.create_index(
        "uq_one_time_passwords_active",
        "one_time_passwords",
        ["exam", "username"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    """Removes the table with every password in it."""
    op.drop_table("one_time_passwords")
