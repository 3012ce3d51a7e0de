"""The schema, as tables of SQLAlchemy Core. Knows what is stored, not who reads it.

What is claimed by a process has two lease columns: `leased_by` names the process, and the lease
is free when `leased_until` is empty or past.
"""

from storage.tables.columns import UtcDateTime, metadata
from storage.tables.fleet import (
    machine_details,
    machines,
    names,
    nodes,
    rental_orders,
    sightings,
    watched_wallets,
)
from storage.tables.money import block_times, machine_uses, order_payments
from storage.tables.outages import kept_machines, kept_owners, silences
from storage.tables.people import (
    access_requests,
    aliases,
    dbc_sessions,
    defaults,
    readers,
    session_requests,
    session_shares,
    suggestions,
    used_nonces,
)
from storage.tables.records import audit, freezes, known_versions, streams
from storage.tables.work import (
    COPIED,
    DUE,
    GIVEN_UP,
    HAS_DIGEST,
    IS_COPY,
    IS_JOINED,
    OF_ORDER,
    OF_OUTAGE,
    UNNAMED_COPY,
    approvals,
    executions,
    messages,
    votes,
    watches,
)

# What is encrypted.
SEALED = (
    dbc_sessions.c.sealed,
    session_requests.c.sealed,
    machine_details.c.sealed,
    executions.c.secrets,
)

__all__ = [
    "COPIED",
    "DUE",
    "GIVEN_UP",
    "HAS_DIGEST",
    "IS_COPY",
    "IS_JOINED",
    "OF_ORDER",
    "OF_OUTAGE",
    "SEALED",
    "UNNAMED_COPY",
    "UtcDateTime",
    "access_requests",
    "aliases",
    "approvals",
    "audit",
    "block_times",
    "dbc_sessions",
    "defaults",
    "executions",
    "freezes",
    "kept_machines",
    "kept_owners",
    "known_versions",
    "machine_details",
    "machine_uses",
    "machines",
    "messages",
    "metadata",
    "names",
    "nodes",
    "order_payments",
    "readers",
    "rental_orders",
    "session_requests",
    "session_shares",
    "sightings",
    "silences",
    "streams",
    "suggestions",
    "used_nonces",
    "votes",
    "watched_wallets",
    "watches",
]
