"""Who people are, as the chat side says it. Knows nothing of rules.

Slack answers about people 100 times a minute, for everybody together: hundreds of requests of two
people must not use that up for the others.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from bot.clock import Clock
from bot.ids import UserId
from bot.ports import DeliveryFailed, Directory, PersonInfo, UserGroup

_WINDOW = timedelta(minutes=1)
_FREELY = 50  # questions in a window; the other half is for clicks, and for other replicas
# Once so many were asked, who somebody was so long ago will do, but never for a click.
_KEPT = timedelta(seconds=10)
_GLANCE = timedelta(minutes=1)
# So long nobody waits again for an answer that many were waited for in vain: each takes seconds.
_SILENT = timedelta(seconds=30)
_glancing: ContextVar[bool] = ContextVar("glancing", default=False)


@contextmanager
def at_a_glance() -> Iterator[None]:
    """Within it, who somebody was a minute ago will do: for what is open and only shown again."""
    token = _glancing.set(True)
    try:
        yield
    finally:
        _glancing.reset(token)


class RecentPeople:
    """ports.Directory, sparing with Slack; `now` is the one that asks each time."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self.now = directory
        self._clock = clock
        self._asked: deque[timedelta] = deque()  # when, by the monotonic clock
        self._known: dict[str, tuple[timedelta, PersonInfo]] = {}
        self._no_members: set[str] = set()
        self._silent_at: timedelta | None = None  # when it was asked last without an answer

    async def person(self, user: UserId) -> PersonInfo:
        """The person, now, or a moment ago where many were asked about. Raises DeliveryFailed."""
        now = self._clock.monotonic()
        while self._asked and now - self._asked[0] >= _WINDOW:
            self._asked.popleft()
        known = {one: told for one, told in self._known.items() if now - told[0] < _GLANCE}
        self._known = known
        spared = len(self._asked) >= _FREELY
        lasts = _GLANCE if _glancing.get() else _KEPT if spared else timedelta()
        if user in known and now - known[user][0] < lasts:
            return known[user][1]
        self._asked.append(now)
        found = await self.now.person(user)
        self._known[user] = now, found
        return found

    def note(self, user: UserId, *, is_member: bool) -> None:
        """Remember what was found out about a person, for what is not worth asking again."""
        if is_member:
            self._no_members.discard(user)
        else:
            self._no_members.add(user)

    def was_no_member(self, user: UserId) -> bool:
        """Whether the person was no full member when that was last found out."""
        return user in self._no_members

    async def is_barred(self, user: UserId) -> bool:
        """Whether somebody is no full member, as of a minute ago; as known last while Slack does
        not say: what nobody may miss is told all the same, and not as late as Slack is.
        """
        silent_at = self._silent_at
        if silent_at is not None and self._clock.monotonic() - silent_at < _SILENT:
            return self.was_no_member(user)
        try:
            with at_a_glance():
                person = await self.person(user)
        except DeliveryFailed as failure:
            if failure.retry_after is not None:  # else it is about this person alone
                self._silent_at = self._clock.monotonic()
            return self.was_no_member(user)
        self.note(user, is_member=person.is_full_member)
        return not person.is_full_member

    async def groups(self) -> Mapping[str, UserGroup]:
        """All user groups, now. Raises DeliveryFailed."""
        return await self.now.groups()
