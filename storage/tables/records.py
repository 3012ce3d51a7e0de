"""What holds for all: freezes, the audit, and versions of what processes remember."""

from sqlalchemy import Column, Index, Integer, Table, Text

from storage.tables.columns import UtcDateTime, lease, metadata

# All changes of machines are stopped while there is a row.
freezes = Table(
    "freezes",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# How often something of a topic has changed that processes keep in memory (`storage.known`). It is
# counted by triggers: see the revision that makes them.
known_versions = Table(
    "known_versions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

# How far what is read in order has been passed on, by its name.
streams = Table(
    "streams",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    *lease(),
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
