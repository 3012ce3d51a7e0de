"""Messages that may stand there twice, or as they were before: who looks for that, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Update, and_, true, update

from bot.model import Message, MessageRef
from storage.repositories import message_statements as statements
from storage.repositories.message_rows import RELEASED, from_row
from storage.repositories.repository import Repository, at
from storage.tables import COPIED, messages


class DoubledMessages(Repository):
    """What becomes of messages of which Slack may show more than it should."""

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

    async def is_any_doubled(self, now: datetime) -> bool:
        """Whether there is something to claim; to be asked where nobody writes."""
        rows = await self._connection.execute(statements.ANY_DOUBLED, at(now))
        return rows.first() is not None

    async def claim_doubled(
        self, by: str, now: datetime, until: datetime, limit: int
    ) -> list[Message]:
        """Lease up to `limit` messages, to see whether they stand there twice.

        Conditions: `copies_at` is reached, one is known to stand there, and the lease is free.
        """
        rows = await self._connection.execute(
            statements.CLAIM_DOUBLED,
            {"leased_by": by, "leased_until": until, "its_limit": limit, **at(now)},
        )
        return [from_row(row) for row in rows.mappings()]

    async def looked_for_copies(
        self, message_id: str, by: str, ref: MessageRef, again_at: datetime | None
    ) -> bool:
        """Write down which one stands there, when to look again (None: no more); release the lease.

        Condition: `by` holds the lease.
        """
        values = {"ref_channel": ref.channel, "ref_ts": ref.ts, "copies_at": again_at}
        return await self._release(message_id, by, values)

    async def _release(
        self,
        message_id: str,
        by: str,
        values: Mapping[str, Any],
        statement: Update = statements.RELEASE,
        reason: str | None = None,
    ) -> bool:
        given = {"its_id": message_id, "its_by": by, **values, **RELEASED}
        if reason is not None:
            given["its_reason"] = reason
        rows = await self._connection.execute(statement, given)
        return rows.rowcount == 1
