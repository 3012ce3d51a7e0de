"""A database in which a site has worked for years: a ledger, its audit and what was told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from bot.model import AuditKind
from storage.chain import GENESIS, canonical, hash_of
from storage.engine import open_engines
from storage.tables import approvals, audit, executions, messages, votes, watches

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
PEOPLE, NODES, MACHINES = 200, 50, 5_000
# Each change has so many rows of the audit, and as many messages.
KINDS = (AuditKind.REQUESTED, AuditKind.ASKED, AuditKind.STARTED, AuditKind.ENDED)
_COMMANDS = ("vm.start", "vm.restart", "vm.delete", "image.upload", "vm.create")
_CONTENT = '{"text": "Restart *inference* on gpu1 for <@U1>", "parts": [' + '"x", ' * 40 + '"x"]}'
# Changes in one transaction: PostgreSQL ends one in which nothing is asked for 10 s, and a busy
# machine needs a while for the hashes of thousands.
_AT_ONCE = 500


async def fill(url: str, rows: int) -> None:
    """Put so many rows of the audit, and as many messages, into the migrated database at `url`.

    A fourth as many changes belong to them, each with a watch and every fourth with a review.
    """
    engines = open_engines(url)
    changes = rows // len(KINDS)
    for start in range(0, changes, _AT_ONCE):
        async with engines.writing() as connection:
            numbers = range(start, min(start + _AT_ONCE, changes))
            await connection.run_sync(_fill, numbers)
    await engines.dispose()


def _fill(connection: Connection, numbers: range) -> None:
    reviewed = numbers[::4]
    head = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()))
    newest = head.first()
    seq, last = (newest.seq, newest.hash) if newest is not None else (0, GENESIS)
    chained = []
    for entry in (entry for number in numbers for entry in _entries(number)):
        seq += 1
        row = {"seq": seq, **entry, "prev_hash": last}
        row["hash"] = last = hash_of(row)
        chained.append(row)
    for table, made in (
        (executions, map(_execution, numbers)),
        (watches, map(_watch, numbers)),
        (approvals, map(_approval, reviewed)),
        (votes, map(_vote, reviewed)),
        (messages, (row for number in numbers for row in _messages(number))),
        (audit, chained),
    ):
        listed = list(made)
        # PostgreSQL takes 32,767 parameters in a statement.
        for start in range(0, len(listed), 1_000):
            connection.execute(insert(table), listed[start : start + 1_000])


def _at(number: int, seconds: float = 0) -> datetime:
    return BEGINNING + timedelta(minutes=number, seconds=seconds)


def _actor(number: int) -> str:
    return f"U0{number % PEOPLE:04}"


def _place(number: int) -> dict[str, str]:
    return {"channel": f"C0{number % 20:04}", "thread": ""}


def node_of(number: int) -> str:
    """The node of a change's machine."""
    return f"{number % MACHINES % NODES:064x}"


def _about(number: int) -> dict[str, str]:
    """Which machine on which node: a machine stays where it is."""
    machine = number % MACHINES
    return {
        "node": node_of(number),
        "task": f"{machine:020x}",
        "label": f"train-{machine:04}",
    }


def _execution(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}", "key": f"slash:{number:032x}", "actor": _actor(number),
        **_place(number), "source": "slash", "command": _COMMANDS[number % len(_COMMANDS)],
        "arguments": {"vm": f"train-{number % MACHINES:04}"}, "effect": 2,
        "status": "done" if number % 10 else "failed", **_about(number), "facts": {},
        "outcome": "Started.", "session_of": _actor(number), "approved_by": "",
        "created_at": _at(number), "started_at": _at(number, 2),
        "finished_at": _at(number, 30),
    }  # fmt: skip


def _watch(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}", "execution": f"{number:032x}", **_about(number), "goal": "running",
        "owner": _actor(number), **_place(number), "started_at": _at(number, 2),
        "deadline_at": _at(number, 3600), "next_poll_at": _at(number, 30), "polls": 5,
        "status": "running", "unsure": False, "moved": False, "about": {}, "stopped_by": "",
        "state": "done",
    }  # fmt: skip


def _approval(number: int) -> dict[str, Any]:
    return {
        "id": f"a{number:031x}", "execution": f"{number:032x}", "binding": f"{number:064x}",
        "reviewer": "", "created_at": _at(number, 1), "expires_at": _at(number, 900),
        "kind": "approve", "shown": {}, "needed": 1, "denials": 1, "self_approval": False,
        "type_name": False, "reminders": 0, "status": "approved", "decided_by": _actor(number + 1),
        "decided_at": _at(number, 2),
    }  # fmt: skip


def _vote(number: int) -> dict[str, Any]:
    return {
        "key": f"click:{number:032x}", "approval": f"a{number:031x}", "user": _actor(number + 1),
        "verdict": "approve", "at": _at(number, 2), **_place(number), "reason": "",
        "state": "counted", "why": "",
    }  # fmt: skip


def _messages(number: int) -> Iterator[dict[str, Any]]:
    keys = ("card:{}", "end:{}", "card:{}:U1", "card:{}:U2")
    for which, key in enumerate(keys):
        yield {
            "id": f"{which}{number:031x}", "key": key.format(f"{number:032x}"), **_place(number),
            "content": _CONTENT, "version": 3, "delivered": 3, "tried": 3, "abandoned": 0,
            "attempts": 0, "problem": "", "ref_channel": "C1", "ref_ts": f"{number}.{which:06}",
            "created_at": _at(number), "next_try_at": _at(number),
        }  # fmt: skip


def _entries(number: int) -> Iterator[dict[str, Any]]:
    told = _execution(number)
    for which, kind in enumerate(KINDS):
        # As the bot writes it: when something is asked for, the machine is not known yet.
        is_known = kind is not AuditKind.REQUESTED
        about = _about(number) if is_known else dict.fromkeys(_about(number), "")
        yield {
            "at": _at(number, which * 10).isoformat(timespec="microseconds"), "kind": str(kind),
            "actor": told["actor"], "command": told["command"],
            "arguments": canonical(told["arguments"]),
            **about, "execution": told["id"], "approval": "",
            "outcome": told["status"] if kind is AuditKind.ENDED else "",
            "reason": told["outcome"] if kind is AuditKind.ENDED else "", **_place(number),
            "message": f"card:{told['id']}", "details": canonical({"source": "slash"}),
        }  # fmt: skip
