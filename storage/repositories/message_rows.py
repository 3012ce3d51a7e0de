"""Rows of messages: how they are read, which are due, and what a delivery writes into them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    literal,
    not_,
    null,
    or_,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.model import SURPRISE, Message
from storage.handover import Handover
from storage.repositories.mapper import Mapper, Row, place, ref
from storage.repositories.repository import at, is_free, is_reached
from storage.tables import COPIED, DUE, UtcDateTime, messages

RELEASED: Mapping[str, Any] = {"leased_by": None, "leased_until": None}

# Slack does not show what is wanted yet, and that version was not given up on.
WANTED = and_(messages.c.delivered < messages.c.version, messages.c.abandoned < messages.c.version)

# Between two tries at an edit, once there were so many.
LONGEST_PAUSE = timedelta(hours=1)
MANY = 10
LONGEST_HOLD = timedelta(hours=25, seconds=1)  # a day on which the clocks are set back
# So long a message waits for the one in whose thread it belongs: that may never be posted.
_WAITS = timedelta(hours=1)
_LONG_AGO = bindparam("its_long_ago", type_=UtcDateTime())


def copied(key: str) -> str | None:
    """The key of what `key` is a copy of: `card:<execution>` of `card:<execution>:<user>`."""
    first, _, rest = key.partition(":")
    second, colon, _ = rest.partition(":")
    return f"{first}:{second}" if colon else None


def digest(content: str) -> str:
    """What tells one content from another."""
    return blake2b(content.encode(), digest_size=16).hexdigest()


_DIGESTED = bindparam("its_digest", type_=Text())


def as_version(version: int, digested: str) -> str:
    """What `shown` says: a replica that knows nothing of it delivers another version."""
    return f"{version}:{digested}"


def _as_version(version: ColumnElement[int]) -> ColumnElement[str]:
    return cast(version, Text) + ":" + _DIGESTED


# Whether no quiet hours hold it back; they never last longer than a day; nor
# does a digest wait longer.
IS_LET_GO = or_(messages.c.held_until.is_(None), is_reached(messages.c.held_until, LONGEST_HOLD))


def _due() -> tuple[ColumnElement[bool], ...]:
    settled = and_(is_reached(messages.c.unsettled_until), messages.c.ref_ts.is_not(None))
    rests = messages.c.rests_until
    return (
        DUE,  # as in the index, else no database would use it
        or_(messages.c.delivered < messages.c.version, settled),
        _is_time(),
        or_(not_(messages.c.can_wait), rests.is_(None), is_reached(rests)),
        is_free(messages),
        or_(messages.c.reply_to.is_(None), messages.c.ref_ts.is_not(None), _may_be_answered()),
        or_(messages.c.ref_ts.is_not(None), IS_LET_GO),
    )


def _may_be_answered() -> ColumnElement[bool]:
    """Whether the message in whose thread it belongs is posted, or has kept it waiting too long."""
    above = messages.alias()
    is_to_come = exists().where(
        above.c.key == messages.c.reply_to,
        above.c.ref_ts.is_(None),
        above.c.delivered < above.c.version,
        above.c.abandoned < above.c.version,
        above.c.problem != SURPRISE,
    )
    return or_(messages.c.created_at <= _LONG_AGO, not_(is_to_come))


def _is_time() -> ColumnElement[bool]:
    """Whether it is time for the next try; the pauses between many tries at an edit are longer."""
    often = or_(messages.c.ref_ts.is_(None), messages.c.attempts < MANY)
    return or_(
        is_reached(messages.c.next_try_at, LONGEST_PAUSE),
        and_(often, is_reached(messages.c.next_try_at)),
    )


# What is true of a message to deliver now.
IS_DUE = _due()


def due_at(now: datetime) -> dict[str, datetime]:
    """The parameters of `IS_DUE`."""
    return {**at(now, LONGEST_PAUSE, LONGEST_HOLD), _LONG_AGO.key: now - _WAITS}


# What is true of a message to look for now, in case it stands there twice.
IS_DOUBLED = (
    COPIED,
    is_reached(messages.c.copies_at),
    messages.c.ref_ts.is_not(None),
    is_free(messages),
)

# Whether Slack shows what has this digest, and is not about to show anything else.
_SHOWS = and_(
    messages.c.shown == _as_version(messages.c.delivered),
    messages.c.unsettled_until.is_(None),
    messages.c.leased_until.is_(None),
)


def renewed(upsert: sqlite.Insert | postgresql.Insert) -> sqlite.Insert | postgresql.Insert:
    """A new message; where its key is there, a new version of it, unless it says the same.

    Takes `digested` of the content as well.
    """
    return upsert.on_conflict_do_update(
        index_elements=[messages.c.key],
        set_={
            "content": upsert.excluded.content,
            "version": messages.c.version + 1,
            "delivered": case(
                (_SHOWS, messages.c.version + 1),
                else_=messages.c.delivered,
            ),
            "shown": case(
                (_SHOWS, _as_version(messages.c.version + 1)),
                else_=messages.c.shown,
            ),
            "held_until": upsert.excluded.held_until,
            # What is wanted already and cannot wait does not wait for this either.
            "can_wait": and_(
                upsert.excluded.can_wait,
                or_(messages.c.can_wait, messages.c.delivered == messages.c.version),
            ),
        },
        where=messages.c.content != upsert.excluded.content,
    )


def digested(content: str) -> dict[str, str]:
    """The digest of a content, as a parameter."""
    return {"its_digest": digest(content)}


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


# Why it is not posted. Of one that stands elsewhere the reason for that stays: it says it.
REASON = case(
    (messages.c.ref_ts.is_(None), bindparam("its_reason", type_=Text())), else_=messages.c.problem
)


def claimed(row: RowMapping) -> Message:
    """The message of a row that is being claimed."""
    message = from_row(row)
    return replace(message, attempts=message.attempts + 1)


def from_row(row: Row) -> Message:
    """The message of a row."""
    return _ROWS.read(row)


_ROWS = Mapper(
    Message,
    messages,
    place=place,
    ref=ref,
    sent_until=lambda _row: None,
    told_in=lambda row: row["told_in"] or "",
    under=lambda row: row["reply_to"] or "",
)
