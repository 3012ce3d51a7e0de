"""Rows of messages: how they are read, which are due, and what a delivery writes into them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, and_, case, cast, literal, not_, null, or_
from sqlalchemy.dialects import postgresql, sqlite

from bot.model import Message, MessageRef, Place
from storage.handover import Handover
from storage.repositories.repository import is_free, is_reached
from storage.tables import COPIED, DUE, UtcDateTime, messages

RELEASED: Mapping[str, Any] = {"leased_by": None, "leased_until": None}

# Slack does not show what is wanted yet, and that version was not given up on.
WANTED = and_(messages.c.delivered < messages.c.version, messages.c.abandoned < messages.c.version)

# Between two tries at an edit, once there were so many.
LONGEST_PAUSE = timedelta(hours=1)
MANY = 10


def copied(key: str) -> str | None:
    """The key of what `key` is a copy of: `card:<execution>` of `card:<execution>:<user>`."""
    first, _, rest = key.partition(":")
    second, colon, _ = rest.partition(":")
    return f"{first}:{second}" if colon else None


def digest(content: str) -> str:
    """What tells one content from another."""
    return blake2b(content.encode(), digest_size=16).hexdigest()


def as_version(version: ColumnElement[int] | int, digested: str) -> ColumnElement[str]:
    """What `shown` says: a replica that knows nothing of it delivers another version."""
    written = literal(str(version)) if isinstance(version, int) else cast(version, Text)
    return written + f":{digested}"


def due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is true of a message that is to be delivered now."""
    settled = and_(is_reached(messages.c.unsettled_until, now), messages.c.ref_ts.is_not(None))
    rests = messages.c.rests_until
    return (
        DUE,  # as in the index, else no database would use it
        or_(messages.c.delivered < messages.c.version, settled),
        _is_due(now),
        or_(not_(messages.c.can_wait), rests.is_(None), is_reached(rests, now)),
        is_free(messages, now),
    )


def doubled(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is true of a message of which it is to be looked now whether it stands there twice."""
    return (
        COPIED,
        is_reached(messages.c.copies_at, now),
        messages.c.ref_ts.is_not(None),
        is_free(messages, now),
    )


def shows(content: str) -> ColumnElement[bool]:
    """Whether Slack shows this, and is not about to show anything else."""
    return and_(
        messages.c.shown == as_version(messages.c.delivered, digest(content)),
        messages.c.unsettled_until.is_(None),
        messages.c.leased_until.is_(None),
    )


def renewed(
    upsert: sqlite.Insert | postgresql.Insert, content: str
) -> sqlite.Insert | postgresql.Insert:
    """A new message; where its key is there, a new version of it, unless it says the same."""
    return upsert.on_conflict_do_update(
        index_elements=[messages.c.key],
        set_={
            "content": upsert.excluded.content,
            "version": messages.c.version + 1,
            "delivered": case(
                (shows(content), messages.c.version + 1),
                else_=messages.c.delivered,
            ),
            "shown": case(
                (shows(content), as_version(messages.c.version + 1, digest(content))),
                else_=messages.c.shown,
            ),
            # What is wanted already and cannot wait does not wait for this either.
            "can_wait": and_(
                upsert.excluded.can_wait,
                or_(messages.c.can_wait, messages.c.delivered == messages.c.version),
            ),
        },
        where=messages.c.content != upsert.excluded.content,
    )


def not_begun(key: str) -> tuple[ColumnElement[bool], ...]:
    """Whether nobody is delivering a message, and no delivery of it has begun."""
    return messages.c.key == key, messages.c.attempts == 0, messages.c.leased_until.is_(None)


def is_at_rest(row: RowMapping, now: datetime) -> bool:
    """Whether nothing is being done about a message, and what was just put can be shown."""
    is_quiet = not row["can_wait"] or row["rests_until"] is None or row["rests_until"] <= now
    return (
        is_quiet
        and row["ref_ts"] is not None
        and row["delivered"] < row["version"]
        and row["attempts"] == 0
        and row["next_try_at"] <= now
        and row["leased_until"] is None
        and row["unsettled_until"] is None
    )


def lent(handover: Handover, version: int) -> dict[str, Any]:
    """What a message is put with that is sent once that is committed."""
    return {
        "leased_by": handover.by,
        "leased_until": handover.until,
        "attempts": 1,
        "tried": version,
        "unsettled_until": handover.sent_until,
        "shown": None,
    }


def sent(which: ColumnElement[bool], until: datetime) -> dict[str, Any]:
    """What is sent now may be carried out until then, or what was sent before even longer."""
    before = messages.c.unsettled_until
    longer = case((before > until, before), else_=literal(until, UtcDateTime))
    return {
        "unsettled_until": case((which, longer), else_=before),
        "shown": case((which, null()), else_=messages.c.shown),
    }


def unsettled_as(known: Message | None) -> dict[str, Any]:
    """What was known of earlier deliveries, where this one has sent nothing; else nothing."""
    return {} if known is None else {"unsettled_until": known.unsettled_until}


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Whether it is time for the next try; the pauses between many tries at an edit are longer."""
    often = or_(messages.c.ref_ts.is_(None), messages.c.attempts < MANY)
    return or_(
        is_reached(messages.c.next_try_at, now, LONGEST_PAUSE),
        and_(often, is_reached(messages.c.next_try_at, now)),
    )


def reason_of(reason: str) -> ColumnElement[str]:
    """Why it is not posted. Of one that stands elsewhere the reason for that stays: it says it."""
    return case((messages.c.ref_ts.is_(None), literal(reason)), else_=messages.c.problem)


def claimed(row: RowMapping) -> Message:
    """The message of a row that is being claimed."""
    message = from_row(row)
    return replace(message, attempts=message.attempts + 1)


def from_row(row: RowMapping) -> Message:
    """The message of a row."""
    ref = None if row["ref_ts"] is None else MessageRef(row["ref_channel"], row["ref_ts"])
    return Message(
        id=row["id"],
        key=row["key"],
        place=Place(row["channel"], row["thread"]),
        content=row["content"],
        version=row["version"],
        delivered=row["delivered"],
        created_at=row["created_at"],
        attempts=row["attempts"],
        ref=ref,
        problem=row["problem"],
        unsettled_until=row["unsettled_until"],
        copies_until=row["copies_until"],
        posted_twice=row["posted_twice"],
        told_in=row["told_in"] or "",
    )
