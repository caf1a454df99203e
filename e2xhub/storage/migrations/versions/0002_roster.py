"""The roster, and a number that every change of it by anybody's SQL makes larger."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE_TRIGGER = """
CREATE TRIGGER roster_{event} AFTER {event} ON roster
BEGIN UPDATE roster_revision SET number = number + 1; END
"""
# Runs as its owner: who may change the roster need not be allowed to write the number. Once in a
# transaction, because every further version of the row would make the next change slower.
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION e2xhub_count_roster_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('UPDATE %I.roster_revision SET number = number + 1
    WHERE xmin::text <> (txid_current() %% 4294967296)::text', TG_TABLE_SCHEMA);
  RETURN NULL;
END
$$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER roster_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON roster
FOR EACH STATEMENT EXECUTE FUNCTION e2xhub_count_roster_change()
"""
# Also in sessions that restore a dump or say that they replicate. Logical replication itself fires
# no trigger of a statement: a roster that comes by it is not supported.
_POSTGRESQL_ALWAYS = "ALTER TABLE roster ENABLE ALWAYS TRIGGER roster_changed"


def upgrade() -> None:
    """Creates the tables and what counts the changes."""
    op.create_table(
        "roster",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("course", sa.Text, nullable=False, server_default=""),
        sa.Column("term", sa.Text, nullable=False, server_default=""),
        sa.Column("exam", sa.Text, nullable=False, server_default=""),
        sa.Column("role", sa.Text, nullable=False, server_default=""),
        sa.Column("attributes", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint(
            "username", "course", "term", "exam", "role", name="uq_roster_membership"
        ),
    )
    revision = op.create_table(
        "roster_revision", sa.Column("number", sa.BigInteger, nullable=False)
    )
    # Not from 0: another database that takes this one's place would have the same number.
    op.bulk_insert(revision, [{"number": secrets.randbelow(2**40)}])
    if op.get_bind().dialect.name == "sqlite":
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(_SQLITE_TRIGGER.format(event=event))
    else:
        for statement in (_POSTGRESQL_FUNCTION, _POSTGRESQL_TRIGGER, _POSTGRESQL_ALWAYS):
            op.execute(statement)


def downgrade() -> None:
    """Removes the roster with everybody on it."""
    op.drop_table("roster")
    op.drop_table("roster_revision")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION e2xhub_count_roster_change()")
