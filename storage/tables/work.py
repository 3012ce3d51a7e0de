"""What is asked, decided and waited for, and the messages that tell it."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    false,
    literal_column,
    or_,
    text,
    true,
)

from storage.tables.columns import UtcDateTime, index_leased, lease, metadata

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
    # The changes of the same machine, by id, that it waits for, or has waited for.
    Column("behind", Text, nullable=False, server_default=""),
    # What its names meant when it was acknowledged, by parameter.
    Column("meant", JSON, nullable=False, server_default="{}"),
    # By what its secrets are known again once they are erased: empty where it has none; nothing
    # where nobody can tell.
    Column("digest", Text),
    # The status that it had where a restored backup held it open.
    Column("put_back", Text, nullable=False, server_default=""),
    *lease(),
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

# What `leftovers` forgets.
HAS_DIGEST = executions.c.digest != literal_column("''")
Index(
    "ix_executions_digests",
    executions.c.finished_at,
    sqlite_where=HAS_DIGEST,
    postgresql_where=HAS_DIGEST,
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
    Column("joined", Text, nullable=False, server_default=""),
    Column("remind_at", UtcDateTime),
    Column("reminders", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime),
    Index(None, "status", "expires_at"),
    # By the beginning of an id: PostgreSQL's primary key is in the order of a language.
    Index(None, "id", postgresql_ops={"id": "text_pattern_ops"}),
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
    *lease(),
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
    # The quiet hours of who is told it end then.
    Column("held_until", UtcDateTime),
    # The message in whose thread it belongs, by its key.
    Column("reply_to", Text),
    # The digest of what Slack shows; nothing while it may be about to show something else.
    Column("shown", Text),
    # Until then what is wanted is left for what comes soon, where it can wait.
    Column("rests_until", UtcDateTime),
    Column("can_wait", Boolean, nullable=False, server_default=false()),
    *lease(),
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
OF_ORDER = messages.c.key.like(literal_column("'order:%'"))
OF_OUTAGE = or_(
    messages.c.key.like(literal_column("'outage:%'")),
    messages.c.key.like(literal_column("'drift:%'")),
)
for _name, _which in (
    ("unnamed_copies", UNNAMED_COPY),
    ("given_up", GIVEN_UP),
    ("of_orders", OF_ORDER),
    ("of_outages", OF_OUTAGE),
):
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

index_leased(executions)

index_leased(watches)

index_leased(messages)
