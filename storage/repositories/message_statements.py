"""Statements about messages that are carried out often, built once (see `repository`)."""

from functools import cache
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, exists, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from storage.repositories.message_rows import IS_DOUBLED, IS_DUE, REASON, renewed
from storage.repositories.repository import LIMIT, begins, claiming, inserting
from storage.tables import DUE, GIVEN_UP, OF_ORDER, UNNAMED_COPY, messages

IS_KEY = messages.c.key == bindparam("its_key", type_=Text())
IS_IT = messages.c.id == bindparam("its_id", type_=Text())
FIND = select(messages).where(IS_KEY)
SET = update(messages).where(IS_IT)
# Whether nobody is delivering a message, and no delivery of it has begun.
NOT_BEGUN = update(messages).where(
    IS_KEY, messages.c.attempts == 0, messages.c.leased_until.is_(None)
)
RELEASE = SET.where(messages.c.leased_by == bindparam("its_by", type_=Text()))
PUT_OFF = RELEASE.values(problem=REASON)
PUT_BACK = PUT_OFF.values(attempts=messages.c.attempts - 1)
GIVE_UP = PUT_OFF.values(abandoned=messages.c.tried)
SAID = NOT_BEGUN.values(delivered=messages.c.version)
STANDS = (
    update(messages)
    .where(IS_KEY)
    .values(
        delivered=messages.c.version,
        tried=messages.c.version,
        ref_channel=bindparam("its_channel", type_=Text()),
        ref_ts=bindparam("its_ts", type_=Text()),
    )
)
ANY_DUE, ANY_DOUBLED = (
    select(messages.c.id).where(*conditions).limit(1) for conditions in (IS_DUE, IS_DOUBLED)
)
MESSAGES_DUE = (
    select(messages)
    .where(*IS_DUE)
    .order_by(messages.c.created_at)
    .limit(LIMIT)
    # Those that somebody else is claiming are skipped. SQLite has one writer anyway.
    .with_for_update(skip_locked=True)
)
CLAIM_DOUBLED = claiming(messages, IS_DOUBLED, messages.c.created_at, LIMIT).returning(messages)

# What waits until it may be told.
HELD = (
    DUE,
    messages.c.held_until.is_not(None),
    messages.c.ref_ts.is_(None),
    messages.c.attempts == 0,
    messages.c.leased_until.is_(None),
)


@cache
def put(dialect: str) -> ReturningInsert[*tuple[Any, ...]]:
    """A new message, or a new version of it; with `digested` of its content."""
    return renewed(inserting(dialect, messages)).returning(messages)


@cache
def copies_of(dialect: str) -> Select[*tuple[Any, ...]]:
    """A message and its copies; with what `begun` gives for those that name none."""
    copy_of = messages.c.copy_of == bindparam("its_key", type_=Text())
    unnamed = and_(UNNAMED_COPY, begins(dialect, messages.c.key))
    return (
        select(messages)
        .where(or_(IS_KEY, copy_of, unnamed))
        .order_by(messages.c.created_at, messages.c.key)
    )


@cache
def of_order(dialect: str) -> Select[*tuple[Any, ...]]:
    """The messages about a rental, with what `begun` gives for their keys, oldest first."""
    return (
        select(messages)
        .where(OF_ORDER, begins(dialect, messages.c.key))
        .order_by(messages.c.created_at, messages.c.key)
    )


@cache
def unparted(dialect: str) -> Select[str, str]:
    """What was given up and must still tell others, by the beginning of its key."""
    one = messages.alias()
    waits = exists().where(
        one.c.told_in == messages.c.key,
        one.c.delivered == one.c.version,
        one.c.ref_ts.is_(None),
        one.c.problem != messages.c.problem,  # else it was parted
    )
    return select(messages.c.key, messages.c.problem).where(
        GIVEN_UP, begins(dialect, messages.c.key), waits
    )
