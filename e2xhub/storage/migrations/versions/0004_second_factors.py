"""The second factors of staff, and their recovery codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "second_factors",
        sa.Column("username", sa.String(200), primary_key=True),
        sa.Column("secret", sa.LargeBinary(200), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("pepper_key_id", sa.String(16), nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_attempt_at", sa.DateTime),
        sa.Column("enrolled_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("username", sa.String(200), primary_key=True),
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("used_at", sa.DateTime),
    )


def downgrade() -> None:
    """Removes the tables: everybody enrols again."""
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
