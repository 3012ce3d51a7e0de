"""The outbox: messages that should say something, and what they say so far."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    case,
    exists,
    literal,
    or_,
    select,
    true,
    update,
)

from bot.model import Message, MessageRef, Place
from storage.connection import OpenConnection
from storage.repositories.repository import Repository, claiming, is_free, is_reached
from storage.tables import COPIED, OUTSTANDING, audit, executions, messages

RELEASED: Mapping[str, Any] = {"leased_by": None, "leased_until": None}

# Slack does not show what is wanted yet, and that version was not given up on.
WANTED = and_(messages.c.delivered < messages.c.version, messages.c.abandoned < messages.c.version)

# Between two tries at an edit, once there were so many.
LONGEST_PAUSE = timedelta(hours=1)
MANY = 10


class Messages(Repository):
    """Messages by key, and their delivery. `restored`: see `UnitOfWork`."""

    def __init__(self, connection: OpenConnection, restored: int = 0) -> None:
        super().__init__(connection)
        self._restored = restored

    async def put(
        self,
        key: str,
        place: Place,
        content: str,
        now: datetime,
        *,
        not_before: datetime | None = None,
    ) -> Message:
        """Say what the message `key` should say: a new message, or a new version of it.

        The same content again changes nothing. A key's place never changes. A new version waits
        for a pause that a failed delivery has imposed. A new message is delivered at once, or
        `not_before` a moment until which somebody else is saying it (see `was_said`).
        """
        upsert = self._insert(messages).values(
            id=uuid4().hex,
            key=key,
            channel=place.channel,
            thread=place.thread,
            content=content,
            version=1,
            delivered=0,
            tried=0,
            abandoned=0,
            attempts=0,
            problem="",
            created_at=now,
            next_try_at=not_before or now,
        )
        rows = await self._connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[messages.c.key],
                set_={
                    "content": upsert.excluded.content,
                    "version": messages.c.version + 1,
                },
                where=messages.c.content != upsert.excluded.content,
            ).returning(messages)
        )
        row = rows.mappings().one_or_none()
        if row is not None and not (self._restored and await self._may_be_posted(key)):
            return _from_row(row)
        rows = await self._connection.execute(select(messages).where(messages.c.key == key))
        return _from_row(rows.mappings().one())

    async def _may_be_posted(self, key: str) -> bool:
        """Count a new message of a change from before a restore as tried; whether it is one.

        The database that was replaced may have told the end already: it is looked for first.
        """
        change = key.split(":")[1] if ":" in key else ""
        known = audit.c.execution == change, audit.c.seq < self._restored
        began = select(executions.c.created_at).where(executions.c.id == change).scalar_subquery()
        rows = await self._connection.execute(
            update(messages)
            .where(
                messages.c.key == key,
                messages.c.version == 1,
                messages.c.attempts == 0,
                exists().where(*known),
                began.is_not(None),
            )
            .values(attempts=1, created_at=began)
        )
        return rows.rowcount == 1

    async def find(self, key: str) -> Message | None:
        """The message `key`, if there is one."""
        rows = await self._connection.execute(select(messages).where(messages.c.key == key))
        row = rows.mappings().one_or_none()
        return None if row is None else _from_row(row)

    async def copies(self, key: str) -> list[Message]:
        """The message `key` and its copies elsewhere (`key:…`)."""
        rows = await self._connection.execute(
            select(messages)
            .where(
                or_(messages.c.key == key, messages.c.key.startswith(f"{key}:", autoescape=True))
            )
            .order_by(messages.c.created_at, messages.c.key)
        )
        return [_from_row(row) for row in rows.mappings()]

    async def claim_due(self, by: str, now: datetime, until: datetime, limit: int) -> list[Message]:
        """Lease up to `limit` messages that are to be delivered, oldest first.

        Conditions: the wanted version is not delivered, or what Slack had left unanswered is
        settled by now and may have undone a later edit; that version was not given up on,
        `next_try_at` is reached, and the lease is free. `attempts` counts this delivery already:
        after a crash it says that the message may have been posted.
        """
        settled = and_(is_reached(messages.c.unsettled_until, now), messages.c.ref_ts.is_not(None))
        due = [
            OUTSTANDING,  # as in the index, else no database would use it
            or_(messages.c.delivered < messages.c.version, settled),
            messages.c.abandoned < messages.c.version,
            _is_due(now),
            is_free(messages, now),
        ]
        rows = await self._connection.execute(
            claiming(
                messages,
                due,
                order=messages.c.created_at,
                limit=limit,
            )
            .values(
                leased_by=by,
                leased_until=until,
                attempts=messages.c.attempts + 1,
                tried=messages.c.version,
            )
            .returning(messages)
        )
        claimed = [_from_row(row) for row in rows.mappings()]
        return sorted(claimed, key=lambda message: message.created_at)

    async def delivered(
        self,
        message_id: str,
        version: int,
        ref: MessageRef,
        by: str,
        *,
        problem: str = "",
        unsettled_until: datetime | None = None,
    ) -> bool:
        """Write down that Slack shows `version`, where, and release the lease.

        `problem` says why it is shown elsewhere than wanted. Where an earlier edit was left
        unanswered, it is edited once more at `unsettled_until`.
        Condition: `by` holds the lease. A version wanted since then is due at once.
        """
        return await self._release(
            message_id,
            by,
            {
                "delivered": version,
                "attempts": 0,
                "problem": problem,
                "ref_channel": ref.channel,
                "ref_ts": ref.ts,
                "unsettled_until": unsettled_until,
            },
        )

    async def was_said(self, key: str, version: int | None = None) -> bool:
        """Write down that what the message should say, or one `version`, was said in another way.

        A newer version is delivered. Condition: nobody is delivering it, and no delivery of it has
        begun.
        """
        rows = await self._connection.execute(
            update(messages)
            .where(
                messages.c.key == key, messages.c.attempts == 0, messages.c.leased_until.is_(None)
            )
            .values(delivered=messages.c.version if version is None else version)
        )
        return rows.rowcount == 1

    async def put_off(self, key: str, until: datetime) -> bool:
        """Leave a message longer to whoever is saying it in another way (see `was_said`).

        Condition: nobody is delivering it, and no delivery of it has begun.
        """
        rows = await self._connection.execute(
            update(messages)
            .where(
                messages.c.key == key, messages.c.attempts == 0, messages.c.leased_until.is_(None)
            )
            .values(next_try_at=until)
        )
        return rows.rowcount == 1

    async def unsettled(self, message_id: str, until: datetime | None, by: str) -> bool:
        """Write down, before it is sent, that Slack may carry it out, and only until `until`.

        Nobody learns what came of it from a process that dies. None: Slack refused it after all.
        Condition: `by` holds the lease.
        """
        rows = await self._connection.execute(
            update(messages)
            .where(messages.c.id == message_id, messages.c.leased_by == by)
            .values(unsettled_until=until)
        )
        return rows.rowcount == 1

    async def overtaken(
        self, message_id: str, now: datetime, *, look_at: datetime, until: datetime, posted: bool
    ) -> None:
        """Bring it to what it should say once more: somebody sent it who had lost the lease.

        Also at `look_at`, and again until `until`, since whoever holds the lease may be sending it.
        Where it was `posted`, it may stand there twice.
        """
        posted_twice = true() if posted else and_(COPIED, messages.c.posted_twice)
        await self._connection.execute(
            update(messages)
            .where(messages.c.id == message_id)
            .values(
                unsettled_until=now,
                copies_at=look_at,
                copies_until=until,
                posted_twice=posted_twice,
            )
        )

    async def may_be_doubled(
        self, message_id: str, by: str, *, look_at: datetime, until: datetime, posted: bool
    ) -> None:
        """Look for a second copy of it at `look_at`, and again until `until`.

        Unless it was `posted` twice, only an old edit may come. Condition: `by` holds the lease.
        """
        # While a copy is looked for, an edit does not end that.
        posted_twice = true() if posted else and_(COPIED, messages.c.posted_twice)
        await self._connection.execute(
            update(messages)
            .where(messages.c.id == message_id, messages.c.leased_by == by)
            .values(copies_at=look_at, copies_until=until, posted_twice=posted_twice)
        )

    async def claim_doubled(
        self, by: str, now: datetime, until: datetime, limit: int
    ) -> list[Message]:
        """Lease up to `limit` messages of which it is to be seen whether they stand there twice.

        Conditions: `copies_at` is reached, one is known to stand there, and the lease is free.
        """
        due = [
            COPIED,
            is_reached(messages.c.copies_at, now),
            messages.c.ref_ts.is_not(None),
            is_free(messages, now),
        ]
        rows = await self._connection.execute(
            claiming(messages, due, order=messages.c.created_at, limit=limit)
            .values(leased_by=by, leased_until=until)
            .returning(messages)
        )
        return [_from_row(row) for row in rows.mappings()]

    async def looked_for_copies(
        self, message_id: str, by: str, ref: MessageRef, again_at: datetime | None
    ) -> bool:
        """Write down which one stands there, when to look again (None: no more); release the lease.

        Condition: `by` holds the lease.
        """
        values = {"ref_channel": ref.channel, "ref_ts": ref.ts, "copies_at": again_at}
        return await self._release(message_id, by, values)

    async def retry(
        self,
        message_id: str,
        at: datetime,
        reason: str,
        by: str,
        *,
        unsettled_until: datetime | None = None,
    ) -> bool:
        """Try again at `at` and release the lease. Condition: `by` holds it.

        `unsettled_until`: Slack left it unanswered, and may carry it out until then.
        """
        values: dict[str, Any] = {"next_try_at": at, "problem": _problem(reason)}
        if unsettled_until is not None:
            values["unsettled_until"] = unsettled_until
        return await self._release(message_id, by, values)

    async def put_back(self, message_id: str, at: datetime, reason: str, by: str) -> bool:
        """Count a delivery as not begun, since nothing can be sent before `at`.

        Condition: `by` holds the lease.
        """
        values = {
            "next_try_at": at,
            "problem": _problem(reason),
            "attempts": messages.c.attempts - 1,
        }
        return await self._release(message_id, by, values)

    async def give_up(self, message_id: str, reason: str, by: str) -> bool:
        """Never try the version that was claimed again, and release the lease.

        Condition: `by` holds the lease. A newer version, also one put meanwhile, is tried.
        """
        return await self._release(
            message_id, by, {"abandoned": messages.c.tried, "problem": _problem(reason)}
        )

    async def _release(self, message_id: str, by: str, values: Mapping[str, Any]) -> bool:
        rows = await self._connection.execute(
            update(messages)
            .where(messages.c.id == message_id, messages.c.leased_by == by)
            .values({**values, **RELEASED})
        )
        return rows.rowcount == 1


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Whether it is time for the next try; the pauses between many tries at an edit are longer."""
    often = or_(messages.c.ref_ts.is_(None), messages.c.attempts < MANY)
    return or_(
        is_reached(messages.c.next_try_at, now, LONGEST_PAUSE),
        and_(often, is_reached(messages.c.next_try_at, now)),
    )


def _problem(reason: str) -> ColumnElement[str]:
    """Why it is not posted. Of one that stands elsewhere the reason for that stays: it says it."""
    return case((messages.c.ref_ts.is_(None), literal(reason)), else_=messages.c.problem)


def _from_row(row: RowMapping) -> Message:
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
    )
