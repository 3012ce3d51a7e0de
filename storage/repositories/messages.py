"""The outbox: messages that should say something, and what they say so far."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping, exists, select, update

from bot.model import Message, MessageRef, Place
from storage.connection import OpenConnection
from storage.handover import AT_ONCE, Handover, Urgency
from storage.repositories import message_statements as statements
from storage.repositories.doubled_messages import DoubledMessages
from storage.repositories.message_rows import (
    IS_LET_GO,
    RELEASED,
    as_version,
    claimed,
    copied,
    digested,
    due_at,
    from_row,
    is_at_rest,
    lent,
    sent,
    unsettled_as,
)
from storage.repositories.repository import begun
from storage.tables import DUE, audit, executions, messages


class Messages(DoubledMessages):
    """Messages by key, and their delivery. `restored`: see `UnitOfWork`."""

    def __init__(
        self, connection: OpenConnection, restored: int = 0, handover: Handover | None = None
    ) -> None:
        super().__init__(connection)
        self._restored = restored
        # After a restore, each message is looked for before it is posted.
        self._handover = None if restored else handover

    async def put(
        self,
        key: str,
        place: Place,
        content: str,
        now: datetime,
        *,
        not_before: datetime | None = None,
        urgency: Urgency = AT_ONCE,
        under: str = "",
        held_until: datetime | None = None,
    ) -> Message:
        """Say what the message `key` should say: a new message, or a new version of it.

        The same content again changes nothing. A key's place never changes. A new version waits
        for a pause that a failed delivery has imposed. A new message is delivered at once, or
        `not_before` a moment until which somebody else is saying it (see `was_said`). It belongs
        in the thread of the message `under`, by its key, and waits until that is posted. Quiet
        hours hold it back until `held_until`, if it is not posted by then.
        """
        handover = None
        if not_before is None and held_until is None and urgency.at_once:
            handover = await self._handed(place, under)
        values = {
            "id": uuid4().hex,
            "key": key,
            "copy_of": copied(key),
            "reply_to": under or None,
            "held_until": held_until,
            "channel": place.channel,
            "thread": place.thread,
            "content": content,
            "version": 1,
            "delivered": 0,
            "tried": 0,
            "abandoned": 0,
            "attempts": 0,
            "problem": "",
            "created_at": now,
            "next_try_at": not_before or now,
            "can_wait": urgency.can_wait,
            **(lent(handover, 1) if handover is not None else {}),
            **digested(content),
        }
        rows = await self._connection.execute(statements.put(self._dialect), values)
        row = rows.mappings().one_or_none()
        if row is not None and not (self._restored and await self._may_be_posted(key)):
            return await self._put(row, handover, now)
        rows = await self._connection.execute(statements.FIND, {"its_key": key})
        return from_row(rows.mappings().one())

    async def _handed(self, place: Place, under: str) -> Handover | None:
        """The terms on which a new message is sent as soon as this is committed; None: it waits."""
        handover = self._handover
        if handover is None or not handover.takes(place):
            return None
        return handover if not under or await self._is_posted(under) else None

    async def _put(self, row: RowMapping, handover: Handover | None, now: datetime) -> Message:
        """What was put; handed over where it can be sent as soon as this is committed."""
        message = from_row(row)
        if self._handover is not None and message.id in self._handover.messages:
            handover = self._handover  # it says something newer than it did in this unit of work
            await self._set(message.id, {"tried": message.version})
        elif handover is None:
            return message
        elif message.version > 1:
            if not (is_at_rest(row, now) and handover.takes(message.ref or message.place)):
                return message
            await self._set(message.id, lent(handover, message.version))
        own = replace(message, attempts=1, unsettled_until=None, sent_until=handover.sent_until)
        handover.messages[message.id] = own
        return own

    async def _is_posted(self, key: str) -> bool:
        above = await self.find(key)
        return above is not None and above.ref is not None

    async def _set(self, message_id: str, values: Mapping[str, Any]) -> None:
        await self._connection.execute(statements.SET, {"its_id": message_id, **values})

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
        rows = await self._connection.execute(statements.FIND, {"its_key": key})
        row = rows.mappings().one_or_none()
        return None if row is None else from_row(row)

    async def copies(self, key: str) -> list[Message]:
        """The message `key` and its copies elsewhere (`key:…`)."""
        rows = await self._connection.execute(
            statements.copies_of(self._dialect), {"its_key": key, **begun(f"{key}:")}
        )
        return [from_row(row) for row in rows.mappings()]

    async def of_order(self, beginning: str) -> list[Message]:
        """The messages about a rental whose keys begin like that, oldest first."""
        rows = await self._connection.execute(statements.of_order(self._dialect), begun(beginning))
        return [from_row(row) for row in rows.mappings()]

    async def is_any_due(self, now: datetime) -> bool:
        """Whether there is something to claim; to be asked where nobody writes."""
        rows = await self._connection.execute(statements.ANY_DUE, due_at(now))
        return rows.first() is not None

    async def claim_due(
        self,
        by: str,
        now: datetime,
        until: datetime,
        limit: int,
        sent_until: datetime | None = None,
    ) -> list[Message]:
        """Lease up to `limit` messages to deliver, oldest first.

        Conditions: the wanted version is not delivered, or what Slack had left unanswered is
        settled by now and may have undone a later edit; that version was not given up on,
        `next_try_at` is reached, and the lease is free. What belongs in the thread of a message
        that has not been posted yet waits for that, for an hour at most. `attempts` counts this
        delivery already: after a crash it says that the message may have been posted.

        The first of each channel is sent at once, unless it has to be looked for: of those it is
        written down that Slack may carry them out until `sent_until` (see `unsettled`).
        """
        rows = await self._connection.execute(
            statements.MESSAGES_DUE, {"its_limit": limit, **due_at(now)}
        )
        found = [claimed(row) for row in rows.mappings()]
        if not found:
            return []
        first = {message.place.channel: message for message in reversed(found)}.values()
        at_once = {one.id for one in first if sent_until is not None and one.may_be_sent}
        await self._connection.execute(
            update(messages)
            .where(messages.c.id.in_([message.id for message in found]))
            .values(
                leased_by=by,
                leased_until=until,
                attempts=messages.c.attempts + 1,
                tried=messages.c.version,
                **(sent(messages.c.id.in_(at_once), sent_until) if at_once and sent_until else {}),
            )
        )
        return [
            replace(message, sent_until=sent_until) if message.id in at_once else message
            for message in found
        ]

    async def take_back(self, handover: Handover) -> None:
        """Leave to the next delivery what was handed over to nobody, so that it is not begun."""
        await self._connection.execute(
            update(messages)
            .where(
                messages.c.id.in_(handover.messages),
                messages.c.leased_by == handover.by,
                messages.c.leased_until == handover.until,
            )
            .values(attempts=0, unsettled_until=None, **RELEASED)
        )

    async def untold(
        self, place: Place, beginning: str, problems: Collection[str], now: datetime
    ) -> list[Message]:
        """What must still be posted in a place for the first time, by the beginning of its key.

        Conditions: nobody delivers it, no delivery of it has begun, and nothing but one of these
        problems kept it from being posted, nor do quiet hours now.
        """
        rows = await self._connection.execute(
            select(messages)
            .where(
                DUE,
                messages.c.channel == place.channel,
                messages.c.thread == place.thread,
                messages.c.key.startswith(beginning, autoescape=True),
                messages.c.ref_ts.is_(None),
                messages.c.attempts == 0,
                messages.c.leased_until.is_(None),
                messages.c.told_in.is_(None),
                messages.c.problem.in_(problems),
                IS_LET_GO,
            )
            .order_by(messages.c.created_at),
            due_at(now),
        )
        return [from_row(row) for row in rows.mappings()]

    async def held(self) -> list[Message]:
        """What is held back, and no delivery of it has begun."""
        rows = await self._connection.execute(select(messages).where(*statements.HELD))
        return [from_row(row) for row in rows.mappings()]

    async def hold(self, ids: Collection[str], until: datetime) -> None:
        """Hold back until then what is held back, by its ids.

        Condition: no delivery of it has begun.
        """
        await self._connection.execute(
            update(messages)
            .where(messages.c.id.in_(ids), *statements.HELD)
            .values(held_until=until)
        )

    async def join(self, members: Collection[Message], key: str) -> None:
        """Let these be told by the message `key` from now on: they are not delivered themselves.

        To be done by whoever has claimed them, or just found them `untold`.
        """
        await self._connection.execute(
            update(messages)
            .where(messages.c.id.in_([message.id for message in members]))
            .values(
                delivered=messages.c.version, told_in=key, attempts=0, unsettled_until=None,
                **RELEASED,
            )
        )  # fmt: skip

    async def told_in(self, key: str) -> list[Message]:
        """Those that the message `key` tells, oldest first."""
        rows = await self._connection.execute(
            select(messages)
            .where(messages.c.told_in == key, messages.c.ref_ts.is_(None), messages.c.delivered > 0)
            .order_by(messages.c.created_at)
        )
        return [from_row(row) for row in rows.mappings()]

    async def claimed_newer(self, message: Message) -> None:
        """Deliver this version: whoever has claimed the message has put it since."""
        await self._set(message.id, {"tried": message.version})

    async def part(self, key: str, now: datetime, reason: str) -> None:
        """Deliver each of those that `key` was to tell by itself: Slack refuses it for `reason`."""
        await self._connection.execute(
            update(messages)
            .where(messages.c.told_in == key, messages.c.ref_ts.is_(None), messages.c.delivered > 0)
            .values(delivered=0, next_try_at=now, problem=reason)
        )

    async def unparted(self, beginning: str) -> list[tuple[str, str]]:
        """What was given up and still is to tell others, by the beginning of its key; with why.

        A replica of a version that knows no such message leaves it like that.
        """
        rows = await self._connection.execute(statements.unparted(self._dialect), begun(beginning))
        return [(key, problem) for key, problem in rows]

    async def stands_no_more(self, message_id: str, by: str) -> bool:
        """Write down that the message stands nowhere any more, or takes no edits: it is new again.

        Condition: `by` holds the lease.
        """
        given = {"its_id": message_id, "its_by": by, "ref_channel": None, "ref_ts": None}
        values = {"delivered": 0, "problem": "", "shown": None, "unsettled_until": None}
        rows = await self._connection.execute(statements.RELEASE, {**given, **values})
        return rows.rowcount == 1

    async def delivered(
        self,
        message_id: str,
        version: int,
        ref: MessageRef,
        by: str,
        *,
        problem: str = "",
        unsettled_until: datetime | None = None,
        shown: str | None = None,
        rests_until: datetime | None = None,
    ) -> bool:
        """Write down that Slack shows `version`, where, and release the lease.

        `problem` says why it is shown elsewhere than wanted. Where an earlier edit was left
        unanswered, it is edited once more at `unsettled_until`. `shown` is the digest of what it
        says; what can wait is not shown before `rests_until`.
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
                "shown": None if unsettled_until or shown is None else as_version(version, shown),
                "rests_until": rests_until,
            },
        )

    async def was_said(self, key: str, version: int | None = None) -> bool:
        """Write down that what the message should say, or one `version`, was said in another way.

        A newer version is delivered. Condition: nobody is delivering it, and no delivery of it has
        begun.
        """
        if version is None:
            rows = await self._connection.execute(statements.SAID, {"its_key": key})
        else:
            given = {"its_key": key, "delivered": version}
            rows = await self._connection.execute(statements.NOT_BEGUN, given)
        return rows.rowcount == 1

    async def stands(self, key: str, ref: MessageRef) -> None:
        """Write down that the message `key` stands there already, as it should."""
        given = {"its_key": key, "its_channel": ref.channel, "its_ts": ref.ts}
        await self._connection.execute(statements.STANDS, given)

    async def put_off(self, key: str, until: datetime) -> bool:
        """Leave a message longer to whoever is saying it in another way (see `was_said`).

        Condition: nobody is delivering it, and no delivery of it has begun.
        """
        rows = await self._connection.execute(
            statements.NOT_BEGUN, {"its_key": key, "next_try_at": until}
        )
        return rows.rowcount == 1

    async def unsettled(self, message_id: str, until: datetime | None, by: str) -> bool:
        """Write down, before it is sent, that Slack may carry it out, and only until `until`.

        Nobody learns what came of it from a process that dies. None: Slack refused it after all.
        Condition: `by` holds the lease.
        """
        given = {"its_id": message_id, "its_by": by, "unsettled_until": until, "shown": None}
        rows = await self._connection.execute(statements.RELEASE, given)
        return rows.rowcount == 1

    async def retry(
        self,
        message_id: str,
        again_at: datetime,
        reason: str,
        by: str,
        *,
        unsettled_until: datetime | None = None,
        unsent: Message | None = None,
    ) -> bool:
        """Try again at `again_at` and release the lease. Condition: `by` holds it.

        `unsettled_until`: Slack left it unanswered, and may carry it out until then. `unsent`: it
        carries out nothing of this delivery, and what was known when it was claimed is true again.
        """
        values = {"next_try_at": again_at, **unsettled_as(unsent)}
        if unsettled_until is not None:
            values["unsettled_until"] = unsettled_until
        return await self._release(message_id, by, values, statements.PUT_OFF, reason)

    async def hasten(self, message_ids: Collection[str], now: datetime) -> None:
        """Try these again at once, unless somebody is at it."""
        await self._connection.execute(
            update(messages)
            .where(messages.c.id.in_(message_ids), messages.c.next_try_at > now)
            .values(next_try_at=now)
        )

    async def put_back(
        self,
        message_id: str,
        again_at: datetime,
        reason: str,
        by: str,
        *,
        unsent: Message | None = None,
    ) -> bool:
        """Count a delivery as not begun, since nothing can be sent before then; see `retry`.

        Condition: `by` holds the lease.
        """
        values = {"next_try_at": again_at, **unsettled_as(unsent)}
        return await self._release(message_id, by, values, statements.PUT_BACK, reason)

    async def give_up(
        self, message_id: str, reason: str, by: str, *, unsent: Message | None = None
    ) -> bool:
        """Never try the version that was claimed again, and release the lease; see `retry`.

        Condition: `by` holds the lease. A newer version, also one put meanwhile, is tried.
        """
        return await self._release(message_id, by, unsettled_as(unsent), statements.GIVE_UP, reason)
