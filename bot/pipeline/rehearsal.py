"""Stand-ins for a dry run: what is written is undone, what would be said is not.

Together with `DbcClient.dry_run` they let any command run to its end with no effect.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import BinaryIO

from bot.ids import UserId
from bot.messages.outbox import Outbox
from bot.model import MessageRef, Place
from bot.ports import PutOff
from bot.reply import Reply, plain
from storage import Known, Store, UnitOfWork


class _UndoneError(Exception):
    """Ends a unit of work without a commit."""


class UndoneStore(Store):
    """The same database; every unit of work is undone at its end, after all checks."""

    def __init__(self, store: Store) -> None:
        self._real = store

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that is undone at its end."""
        with suppress(_UndoneError):
            async with self._real.write() as tx:
                yield tx
                raise _UndoneError

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads."""
        async with self._real.read() as tx:
            yield tx

    @asynccontextmanager
    async def browse(self, *, many_rows: bool = False) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads, and may take long."""
        async with self._real.browse(many_rows=many_rows) as tx:
            yield tx

    async def known(self) -> Known:
        """What is known: nothing of what was undone."""
        return await self._real.known()


class SilentOutbox(Outbox):
    """Delivers nothing: claims of what waits would be undone, and it would be sent twice."""

    async def deliver_due(self) -> None:
        """Leave it to the real one."""


class SilentMessenger:
    """ports.Messenger for a dry run: says nothing to anybody."""

    me = ""

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        """Post nothing: what it refers to is no message."""
        return MessageRef(place.channel, f"{key}: {plain(reply.summary)}")

    def put_off(self, where: Place | MessageRef) -> PutOff | None:
        """Nothing is sent, so nothing is put off."""
        del where
        return None

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        """Edit nothing."""
        del ref, reply
        return timedelta(0)

    async def link(self, ref: MessageRef) -> str:
        """What is no message has no address."""
        del ref
        return ""

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        """There is nothing of a dry run to be found."""

    async def copies(self, place: Place, key: str, since: datetime) -> Sequence[MessageRef]:
        """There is nothing of a dry run to be found."""
        del place, key, since
        return ()

    async def delete(self, ref: MessageRef) -> None:
        """Delete nothing."""

    async def whisper(self, user: UserId, place: Place, reply: Reply) -> None:
        """Say nothing."""

    async def direct(self, user: UserId) -> Place:
        """A person's id stands for the direct messages with them."""
        return Place.direct(user)

    async def upload(self, place: Place, name: str, content: str | BinaryIO) -> None:
        """Share nothing."""
