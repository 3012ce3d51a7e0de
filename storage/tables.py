"""The schema, as tables of SQLAlchemy Core. Knows what is stored, not who reads it.

What is claimed by a process has two lease columns: `leased_by` names the process, and the lease
is free when `leased_until` is empty or past.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    or_,
    text,
    true,
)

from bot.clock import UNTOLD


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also where the database keeps no zone (SQLite).

    SQLite keeps whatever text is written to it. One that is no moment reads as `UNTOLD`: raised
    here it would keep all the other rows from being read, too.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: it would silently mean another moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the moment its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Read what is stored, whatever it is."""
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def readable(stored: Any) -> Any:
            try:
                return read(stored)
            except (ValueError, TypeError, OverflowError):
                return UNTOLD

        return readable


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _lease() -> tuple[Column[str], Column[datetime]]:
    return Column("leased_by", Text), Column("leased_until", UtcDateTime)


executions = Table(
    "executions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("actor", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("effect", Integer, nullable=False),
    Column("secrets", LargeBinary),
    Column("status", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("session_of", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    *_lease(),
    Index(None, "status", "leased_until"),
    Index(None, "status", "finished_at"),
    Index(None, "created_at"),
    Index(None, "actor", "created_at"),
    Index(None, "task", "created_at", postgresql_ops={"task": "text_pattern_ops"}),
    Index(None, "node"),
    Index(None, "label"),
    # For the breaker: what destroys (the effect 3) is rare, and only that is in it.
    Index(
        "ix_executions_destroying",
        "started_at",
        sqlite_where=text("effect = 3"),
        postgresql_where=text("effect = 3"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution", Text, ForeignKey(executions.c.id), nullable=False, index=True),
    Column("binding", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("denials", Integer, nullable=False),
    Column("self_approval", Boolean, nullable=False),
    Column("type_name", Boolean, nullable=False),
    Column("changed", Text, nullable=False, server_default=""),
    Column("remind_at", UtcDateTime),
    Column("reminders", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime),
    Index(None, "status", "expires_at"),
)

votes = Table(
    "votes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("approval", Text, ForeignKey(approvals.c.id), nullable=False, index=True),
    Column("user", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index(None, "state", "at"),
)

watches = Table(
    "watches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution", Text, ForeignKey(executions.c.id), nullable=False, index=True),
    Column("node", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("next_poll_at", UtcDateTime, nullable=False),
    Column("polls", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("moved", Boolean, nullable=False),
    Column("silent_since", UtcDateTime),
    Column("about", JSON, nullable=False),
    Column("stopped_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    *_lease(),
    Index(None, "state", "next_poll_at"),
)
_OPEN = watches.c.state == "open"
Index(
    "ix_watches_open_on_node",
    watches.c.node,
    watches.c.owner,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

# `tried` is the version last attempted, `abandoned` the one given up on.
messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("tried", Integer, nullable=False),
    Column("abandoned", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("ref_channel", Text),
    Column("ref_ts", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime, nullable=False),
    # Until then Slack may still carry out what it was sent and did not answer.
    Column("unsettled_until", UtcDateTime),
    # It was sent again before the first one was seen: when to look for a second copy, and how long.
    Column("copies_at", UtcDateTime),
    Column("copies_until", UtcDateTime),
    # Else only an old edit may come, and no copy is looked for.
    Column("posted_twice", Boolean, nullable=False, server_default=true()),
    # The message that this one is a copy of elsewhere, by its key.
    Column("copy_of", Text),
    # The message that tells this one together with others, by its key.
    Column("told_in", Text),
    # The digest of what Slack shows; nothing while it may be about to show something else.
    Column("shown", Text),
    # Until then what is wanted is left for what comes soon, where it can wait.
    Column("rests_until", UtcDateTime),
    Column("can_wait", Boolean, nullable=False, server_default=false()),
    *_lease(),
)
# Slack does not show what is wanted, or may carry out something older and undo it; and that was
# not given up.
DUE = and_(
    messages.c.abandoned < messages.c.version,
    or_(messages.c.delivered < messages.c.version, messages.c.unsettled_until.is_not(None)),
)
# Partial: nearly every message is settled, and the outbox looks only for those that are not.
Index("ix_messages_due", messages.c.created_at, sqlite_where=DUE, postgresql_where=DUE)

IS_COPY = messages.c.copy_of.is_not(None)
IS_JOINED = messages.c.told_in.is_not(None)
Index("ix_messages_told_in", messages.c.told_in, sqlite_where=IS_JOINED, postgresql_where=IS_JOINED)

Index("ix_messages_copy_of", messages.c.copy_of, sqlite_where=IS_COPY, postgresql_where=IS_COPY)

# Replicas of a version that knows no `copy_of` put copies, too; and they give up a message that
# tells several without parting it.
UNNAMED_COPY = and_(messages.c.copy_of.is_(None), messages.c.key.like(literal_column("'%:%:%'")))
GIVEN_UP = and_(
    messages.c.abandoned >= messages.c.version, messages.c.delivered < messages.c.version
)
for _name, _which in (("unnamed_copies", UNNAMED_COPY), ("given_up", GIVEN_UP)):
    Index(
        f"ix_messages_{_name}",
        messages.c.key,
        sqlite_where=_which,
        postgresql_where=_which,
        postgresql_ops={"key": "text_pattern_ops"},
    )

COPIED = messages.c.copies_at.is_not(None)
Index(
    "ix_messages_copied",
    messages.c.copies_at,
    sqlite_where=COPIED,
    postgresql_where=COPIED,
)

# A rental as it was last read from the chain: all its moments are blocks.
rental_orders = Table(
    "rental_orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("node", Text, nullable=False),
    Column("renter", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("gpus", JSON, nullable=False),
    Column("stake", Text, nullable=False),  # planck, of more digits than an integer has
    Column("seen_block", BigInteger, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("first_block", BigInteger, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("next_look_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("told", Text, nullable=False),
    Column("renewer", Text, nullable=False),
    Column("snoozed", Boolean, nullable=False),
    Column("is_only", Boolean, nullable=False),
    Column("missing_since", BigInteger),
    *_lease(),
    Index(None, "phase", "next_look_at"),
    Index(None, "node"),
)

watched_wallets = Table(
    "watched_wallets",
    metadata,
    Column("user", Text, primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

# Partial: few rows are leased, and a start frees those that a former process held.
for _leased in (executions, watches, messages, rental_orders):
    Index(
        f"ix_{_leased.name}_leased_by",
        _leased.c.leased_by,
        sqlite_where=_leased.c.leased_by.is_not(None),
        postgresql_where=_leased.c.leased_by.is_not(None),
    )

dbc_sessions = Table(
    "dbc_sessions",
    metadata,
    Column("user", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("added_at", UtcDateTime),
    Column("checked_at", UtcDateTime),
    Column("problem", Text, nullable=False),
    Index(None, "node"),
)

# `audience` is a person or a channel, by Slack id.
session_shares = Table(
    "session_shares",
    metadata,
    Column("user", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
    # That it ends soon: set once they were told.
    Column("warned", Boolean, nullable=False, server_default=false()),
    Index(None, "audience"),
    Index(None, "node"),
)

# Who asked for access to a node, and who was asked. One a person and node is open.
access_requests = Table(
    "access_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asker", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("holders", JSON, nullable=False),
    Column("refused", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(
        "ix_access_requests_open",
        "asker",
        "node",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

# What a renter has begun and not yet signed: see `bot.services.renters`.
session_requests = Table(
    "session_requests",
    metadata,
    Column("user", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Each is good for one request, ever; kept as a hash.
used_nonces = Table(
    "used_nonces",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
)

# `folded` is the name as it is compared: SQLite's own lower() knows ASCII alone.
names = Table(
    "names",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("since", UtcDateTime),
    Column("given_by", Text, nullable=False, server_default=""),
    UniqueConstraint("kind", "folded"),
)

defaults = Table(
    "defaults",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
)

# One row for each person who has seen a machine: their lists are fetched and replaced apart.
machines = Table(
    "machines",
    metadata,
    Column("node", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("desc", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "owner"),
)

# What was last read of a machine with the session of `owner`, passwords included.
machine_details = Table(
    "machine_details",
    metadata,
    Column("node", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("desc", Text, nullable=False),
    Column("uuid", Text, nullable=False),
    Column("manager", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

# Images, image servers, disks and snapshots, for search fields. `place` is where they are: a node,
# an image server, a machine, or nothing. A row without a name says when a place was looked at.
sightings = Table(
    "sightings",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("detail", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

# What a line said that was not understood, by the id in the button that its answer offers.
suggestions = Table(
    "suggestions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# How often something of a topic has changed that processes keep in memory (`storage.known`). It is
# counted by triggers: see the revision that makes them.
known_versions = Table(
    "known_versions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("user", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

# All changes of machines are stopped while there is a row.
freezes = Table(
    "freezes",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# In which language people and channels read: see `storage.repositories.readers`.
readers = Table(
    "readers",
    metadata,
    Column("about", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# All text, so that what is hashed is what is stored. The migration makes the database refuse to
# change or remove a row. No foreign key: entries outlive what they are about.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    *(
        Index(None, name, "seq", postgresql_ops={name: "text_pattern_ops"})
        for name in ("actor", "command", "execution", "kind", "label", "node", "outcome", "task")
    ),
)
