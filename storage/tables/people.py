"""People: their sessions, what they share and ask for, and what they chose."""

from sqlalchemy import JSON, Boolean, Column, Index, LargeBinary, Table, Text, false, text

from storage.tables.columns import UtcDateTime, metadata

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

# Requests for access to a node, and who can grant them. One a person and node is open.
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

# What a line said that was not understood, by the id in the button that its answer offers.
suggestions = Table(
    "suggestions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("user", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

defaults = Table(
    "defaults",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
)

# In which language people and channels read: see `storage.repositories.readers`.
readers = Table(
    "readers",
    metadata,
    Column("about", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
