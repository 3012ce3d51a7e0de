"""Who is in which user group, as the chat side says it. Knows nothing of rules.

One question answers for all groups, for Slack takes 20 of them in a minute from everybody together.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.ports import DeliveryFailed, Directory, RightsUnknown, UserGroup

_KEPT = timedelta(minutes=1)  # what is not decided by a click goes by an answer up to so old
# Slack's tier 2 is 20 a minute; another replica asks with the same token.
_WINDOW = timedelta(minutes=1)
_BUDGET = 15
# What could not be read is asked for again after this; the others are known meanwhile.
_ASK_AGAIN = timedelta(seconds=15)

Groups = Mapping[str, UserGroup]

log = structlog.get_logger()


def group_named(known: Groups, name: str) -> UserGroup | None:
    """The group, if there is one. Raises RightsUnknown where it cannot be read."""
    group = known.get(name, known.get(""))  # one without an id may be any that is missing
    if group is not None and not group.is_readable:
        log.warning("rights.group_unreadable", group=name)
        raise RightsUnknown(f"an answer without the members of {name}", _ASK_AGAIN)
    return group


class UserGroups:
    """Asks for all groups at once, once for everybody who waits, and no more than Slack takes."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: Groups = {}
        self._asked_at: timedelta | None = None  # by the monotonic clock, of what is known
        self._failed: tuple[DeliveryFailed, timedelta] | None = None  # until when that will do
        self._asking: asyncio.Task[Groups] | None = None
        self._next: asyncio.Task[Groups] | None = None
        self._spent: deque[timedelta] = deque()
        self._closed: set[str] = set()  # those of which the log has told

    async def recent(self) -> Groups:
        """The groups as they were within the last minute. Raises DeliveryFailed."""
        now = self._clock.monotonic()
        if self._asked_at is not None and now - self._asked_at < _KEPT:
            return self._known
        if self._asking is not None and not self._asking.done():
            return await asyncio.shield(self._asking)
        if self._failed is not None and now < self._failed[1]:
            raise self._failed[0].with_traceback(None)  # a list would spend the minute's on it
        return await self.now()

    @property
    def last_known(self) -> Groups:
        """The groups as Slack said them last, however long ago; none before it has."""
        return self._known

    async def now(self) -> Groups:
        """The groups as Slack says them to a question asked after this. Raises DeliveryFailed."""
        if self._next is None:
            # What is on its way may have been answered before: who waits for that, waits twice.
            self._next = asyncio.create_task(self._after(self._asking))
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _after(self, former: asyncio.Task[Groups] | None) -> Groups:
        if former is not None:
            await asyncio.wait([former])
        self._asking, self._next = self._next, None
        self._spend()
        asked_at = self._clock.monotonic()
        try:
            self._known = await self._directory.groups()
        except DeliveryFailed as failure:
            wait = min(failure.retry_after or _ASK_AGAIN, _ASK_AGAIN)
            self._failed = failure, self._clock.monotonic() + wait
            raise
        self._asked_at, self._failed = asked_at, None
        return self._known

    def _spend(self) -> None:
        """Take one question of the minute's. Raises RightsUnknown where none is left."""
        now = self._clock.monotonic()
        while self._spent and now - self._spent[0] >= _WINDOW:
            self._spent.popleft()
        if len(self._spent) >= _BUDGET:
            raise RightsUnknown("asked_too_often", self._spent[0] + _WINDOW - now)
        self._spent.append(now)

    def tell_closed(self, group: str, *, is_known: bool) -> None:
        """Tell the operator, once, that the rules name a group that nobody is in any more."""
        if group not in self._closed:
            self._closed.add(group)
            state = "disabled" if is_known else "unknown to Slack"
            log.warning(
                "policy.group_closed",
                group=group,
                state=state,
                then="Its rules count for whoever may have been in it; it gives nobody a right.",
            )

    def tell_open(self, group: str) -> None:
        """Note that it is there (again)."""
        if group in self._closed:
            self._closed.discard(group)
            log.info("policy.group_open", group=group)


def _heard(task: asyncio.Task[Groups]) -> None:
    """Whoever waited may have gone; then nobody else asks for the failure."""
    if not task.cancelled():
        task.exception()


class AsOfNow:
    """The groups at one click: asked for once, after it."""

    def __init__(self, groups: UserGroups) -> None:
        self._groups = groups
        self._known: Groups | None = None

    async def __call__(self) -> Groups:
        """The groups. Raises DeliveryFailed."""
        if self._known is None:
            self._known = await self._groups.now()
        return self._known
