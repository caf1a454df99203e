"""Sessions, attempts, what proctors do, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SQLITE_TRIGGER = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
# REPLACE would remove an entry, and SQLite fires no trigger of DELETE for it.
_SQLITE_NO_REPLACE = """
CREATE TRIGGER audit_no_REPLACE BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION e2xhub_refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only'; END
$$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION e2xhub_refuse_audit_change()
"""
# Also in sessions that say that they replicate.
_POSTGRESQL_ALWAYS = "ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_is_append_only"


def upgrade() -> None:
    """Adds columns to the passwords, and creates the tables."""
    op.add_column("one_time_passwords", sa.Column("ended_at", sa.DateTime))
    op.add_column("one_time_passwords", sa.Column("ended_by", sa.String(200)))
    op.add_column(
        "one_time_passwords",
        sa.Column("reason", sa.String(500), nullable=False, server_default=""),
    )
    _create_sign_in_tables()
    _create_examinees()
    _create_audit()


def _create_sign_in_tables() -> None:
    op.create_table(
        "sign_in_counts",
        sa.Column("counter", sa.String(16), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(64), index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("last_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "exam_sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exam", sa.String(63), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("safe_browser_way", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("end", sa.String(64)),
        sa.Column("cut_at", sa.DateTime),
    )
    op.create_index(
        "uq_exam_sessions_open",
        "exam_sessions",
        ["exam", "username"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "used_room_codes",
        sa.Column("exam", sa.String(63), primary_key=True),
        sa.Column("username", sa.String(200), primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
    )


def _create_examinees() -> None:
    op.create_table(
        "examinees",
        sa.Column("exam", sa.String(63), primary_key=True),
        sa.Column("username", sa.String(200), primary_key=True),
        sa.Column("extra_minutes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("signed_in_at", sa.DateTime),
        sa.Column("submitted_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("refused_at", sa.DateTime),
        sa.Column("refused_from", sa.String(45)),
        sa.Column("refused_reason", sa.String(100)),
    )
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exam", sa.String(63), nullable=False, index=True),
        sa.Column("username", sa.String(200)),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("sent_by", sa.String(200), nullable=False),
        sa.Column("sent_at", sa.DateTime, nullable=False),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("exam", sa.String(63), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("seal", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("ix_audit_exam", "audit", ["exam", "number"])
    end = op.create_table(
        "audit_end",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("seal", sa.LargeBinary(32), nullable=False),
    )
    op.bulk_insert(end, [{"number": 0, "seal": bytes(32)}])
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_TRIGGER.format(event=event))
        op.execute(_SQLITE_NO_REPLACE)
    else:
        for statement in (_POSTGRESQL_FUNCTION, _POSTGRESQL_TRIGGER, _POSTGRESQL_ALWAYS):
            op.execute(statement)


def downgrade() -> None:
    """Removes the tables with all that is in them, the audit log too."""
    tables = ("audit_end", "audit", "announcements", "examinees", "used_room_codes")
    for table in (*tables, "exam_sessions", "sign_in_counts"):
        op.drop_table(table)
    for column in ("reason", "ended_by", "ended_at"):
        op.drop_column("one_time_passwords", column)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION e2xhub_refuse_audit_change()")
