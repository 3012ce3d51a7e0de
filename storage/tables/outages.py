"""What is known of nodes that keep silent and of machines as they were left."""

from sqlalchemy import Column, Table, Text

from storage.tables.columns import UtcDateTime, metadata

# Nodes that do not answer. A row without an id stands for the daemons, which lead to all of them.
silences = Table(
    "silences",
    metadata,
    Column("node", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("episode", Text, nullable=False),
)

# What a look is compared with, to find what was changed outside the bot.
kept_machines = Table(
    "kept_machines",
    metadata,
    Column("node", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("suspect", Text, nullable=False),
    Column("suspect_at", UtcDateTime),
    Column("before", Text, nullable=False),
    Column("episode", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("size_at", UtcDateTime),
    Column("port", Text, nullable=False),
    Column("port_episode", Text, nullable=False),
    Column("turns", Text, nullable=False, server_default=""),
)

# Whose sessions have shown a machine: once it is gone, nobody's list tells whom it concerned.
kept_owners = Table(
    "kept_owners",
    metadata,
    Column("node", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
)
