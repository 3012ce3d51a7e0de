"""Rows in the bot's database, as no bot would write them."""

import sqlite3
from contextlib import closing
from datetime import timedelta

from sandbox.dbc.worker import Durations
from tests.scenarios.changing import _has_asked_for_a_session
from tests.scenarios.machines import off
from tests.scenarios.site import asked
from tests.scenarios.stage import Stage
from tests.scenarios.test_sharing import shares

# What no line of a chat makes here.
BEHIND_ITS_BACK = (
    "INSERT INTO rental_orders (id, number, node, renter, phase, began, ends, gpus, stake, "
    "seen_block, seen_at, first_block, first_at, next_look_at, created_at, told, renewer, "
    "snoozed, is_only, leased_until, missing_since) "
    "SELECT 'dbc:7', 7, node, 'nobody', 'running', 1, 99999999, '[]', '0', "
    "1, :at, 1, :at, :at, :at, '', '', 0, 1, :at, :at FROM dbc_sessions LIMIT 1",
    "INSERT INTO watched_wallets (user, wallet, created_at) VALUES (:user, 'nobody', :at)",
    "INSERT INTO access_requests (id, asker, node, holders, refused, state, created_at) "
    "SELECT 'asked', 'U0DAVE', node, '[\"U0BOB\"]', '[]', 'open', :at FROM dbc_sessions LIMIT 1",
    "INSERT INTO silences (node, since, episode) "
    "SELECT node, :at, 'told' FROM dbc_sessions LIMIT 1",
    "INSERT INTO kept_machines (node, task, owner, label, status, seen_at, suspect, suspect_at, "
    "before, episode, size, size_at, port, port_episode) "
    "SELECT node, 'aTask', :user, 'a', 'running', :at, 'closed', :at, '', '', '', :at, '', '' "
    "FROM dbc_sessions LIMIT 1",
    "INSERT INTO streams (name, position, leased_by, leased_until) VALUES ('audit', 0, 'p', :at)",
)


def alter(stage: Stage, statement: str, *values: object) -> None:
    """Change rows behind the bot's back."""
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        named = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        database.execute(statement, named)
        database.commit()


async def has_rows_of_all_kinds(stage: Stage) -> None:
    """A question with a vote, a share, a watch, a request for a session, names and sightings."""
    off(stage)
    await _has_asked_for_a_session(stage)
    await shares(stage, "@bob")
    question = await asked(stage)
    vote = "'gone', id, ?, 'approve', '2026-01-05 08:00:00', ?, '', '', 'refused', 'late'"
    columns = "key, approval, user, verdict, at, channel, thread, reason, state, why"
    alter(
        stage, f"INSERT INTO votes ({columns}) SELECT {vote} FROM approvals", stage.carol.id,
        question.channel,
    )  # fmt: skip
    for statement in BEHIND_ITS_BACK:
        alter(stage, statement, {"at": "2026-01-05 08:00:00.000000", "user": stage.alice.id})
    for line in (
        "image list on gpu1",
        "vm show inference",
        "vm name inference i1",
        "node name gpu1 rack-a",
        "vm shwo i1",
    ):
        await stage.asks(stage.alice, f"/dbc {line}")
    stage.node("gpu1").durations = Durations(add=timedelta(seconds=200))
    await stage.asks(stage.alice, "/dbc disk add i1 50")
