"""What is known of nodes, machines and rentals."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from storage.tables.columns import UtcDateTime, index_leased, lease, metadata

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
    Column("renewer_since", UtcDateTime),
    Column("signers", Text, nullable=False, server_default=""),  # with a space after each
    Column("signed_at", UtcDateTime),
    Column("snoozed", Boolean, nullable=False),
    Column("is_only", Boolean, nullable=False),
    Column("missing_since", BigInteger),
    Column("chain", Text, nullable=False, server_default=""),
    Column("vague", Text, nullable=False, server_default=""),
    Column("vague_since", UtcDateTime),
    Column("newest_ends", BigInteger, nullable=False, server_default="0"),
    Column("halts", Integer, nullable=False, server_default="0"),
    Column("is_told_unread", Boolean, nullable=False, server_default=false()),
    *lease(),
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

index_leased(rental_orders)
