"""The tables of exam records; their history is in `storage.migrations`."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from e2xhub.storage.database import Moment, metadata

TableFilter = Callable[[sa.Table], sa.ColumnElement[bool]]
"""Says of a table which rows are meant."""

_EXAM = sa.String(63)
_NAME = sa.String(200)
_ADDRESS = sa.String(45)
_TEXT = sa.String(500)

one_time_passwords = sa.Table(
    "one_time_passwords",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", _EXAM, nullable=False),
    sa.Column("username", _NAME, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("pepper_key_id", sa.String(16), nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("issued_by", _NAME, nullable=False),
    sa.Column("consumed_at", Moment),
    sa.Column("consumed_from", _ADDRESS),
    sa.Column("ended_at", Moment),
    sa.Column("ended_by", _NAME),
    sa.Column("reason", _TEXT, nullable=False, server_default=""),
    sa.UniqueConstraint("exam", "username", "generation", name="uq_one_time_passwords_generation"),
    # Two proctors who issue at once get one password: the second active row is refused.
    sa.Index(
        "uq_one_time_passwords_active",
        "exam",
        "username",
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    ),
)

# Attempts by whom they are about: keyed digests, because a mistyped username may be a code.
sign_in_counts = sa.Table(
    "sign_in_counts",
    metadata,
    sa.Column("counter", sa.String(16), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(64), index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)

exam_sessions = sa.Table(
    "exam_sessions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", _EXAM, nullable=False),
    sa.Column("username", _NAME, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("address", _ADDRESS, nullable=False),
    sa.Column("safe_browser_way", sa.String(16), nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("end", sa.String(64)),
    sa.Column("cut_at", Moment),
    sa.Index(
        "uq_exam_sessions_open",
        "exam",
        "username",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

examinees = sa.Table(
    "examinees",
    metadata,
    sa.Column("exam", _EXAM, primary_key=True),
    sa.Column("username", _NAME, primary_key=True),
    sa.Column("extra_minutes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("signed_in_at", Moment),
    sa.Column("submitted_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("refused_at", Moment),
    sa.Column("refused_from", _ADDRESS),
    sa.Column("refused_reason", sa.String(100)),
)

announcements = sa.Table(
    "announcements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", _EXAM, nullable=False, index=True),
    sa.Column("username", _NAME),
    sa.Column("text", sa.String(1000), nullable=False),
    sa.Column("sent_by", _NAME, nullable=False),
    sa.Column("sent_at", Moment, nullable=False),
)

used_room_codes = sa.Table(
    "used_room_codes",
    metadata,
    sa.Column("exam", _EXAM, primary_key=True),
    sa.Column("username", _NAME, primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
)

# Triggers refuse to change and to delete what is in it.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("actor", _NAME, nullable=False),
    sa.Column("exam", _EXAM, nullable=False),
    sa.Column("username", _NAME, nullable=False),
    sa.Column("details", sa.Text, nullable=False),  # a JSON object
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("seal", sa.LargeBinary(32), nullable=False),
    sa.Index("ix_audit_exam", "exam", "number"),
)
# One row: the last entry. Whoever writes takes its lock first.
audit_end = sa.Table(
    "audit_end",
    metadata,
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("seal", sa.LargeBinary(32), nullable=False),
)
