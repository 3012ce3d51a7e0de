"""Slack's rate limits: how often a method may be called in a minute, by its tier, and how many
messages a channel takes.

Source: https://docs.slack.dev/apis/web-api/rate-limits and each method's own page.
"""

import math
from collections import defaultdict, deque
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=1)
_TIERS = {2: 20, 3: 50, 4: 100}  # calls in a minute
_METHODS = {
    "bots.info": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.join": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "reactions.add": 3,
    "team.info": 3,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.conversations": 3,
    "users.info": 4,
    "users.list": 2,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}
POST = "chat.postMessage"
# "One message per second per channel, short bursts allowed"; how short, Slack does not say.
_BURST = 5
_POSTS = 300  # "several hundred messages per minute" in the whole workspace


class Limits:
    """Counts calls on the workspace's clock; `strict` keeps the limits of all methods.

    Else only those of tier 2: a test in which no time passes calls the others more often than any
    real minute would.
    """

    def __init__(self) -> None:
        self.strict = False
        self._calls: dict[str, deque[datetime]] = defaultdict(deque)
        self._channels: dict[str, _Channel] = {}

    def retry_after(self, method: str, now: datetime, channel: str = "") -> int | None:
        """The seconds to wait for, where this call is one too many; else it is counted.

        `channel` is where something is posted.
        """
        tier = _METHODS.get(method)
        if method == POST and self.strict:
            posts = self._channels.setdefault(channel, _Channel(now))
            if (wait := posts.retry_after(now) or self._of_minute(method, _POSTS, now)) is None:
                posts.take()
            return wait
        if tier is None or (tier != 2 and not self.strict):
            return None
        return self._of_minute(method, _TIERS[tier], now)

    def _of_minute(self, method: str, most: int, now: datetime) -> int | None:
        calls = self._calls[method]
        while calls and now - calls[0] >= _WINDOW:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil((calls[0] + _WINDOW - now).total_seconds()))
        calls.append(now)
        return None


class _Channel:
    """What a channel takes: one message a second, and a few more after a while of silence."""

    def __init__(self, now: datetime) -> None:
        self._left = float(_BURST)
        self._at = now

    def retry_after(self, now: datetime) -> int | None:
        """The seconds until it takes the next one; None where it takes it now."""
        self._left = min(_BURST, self._left + (now - self._at).total_seconds())
        self._at = now
        return None if self._left >= 1 else max(1, math.ceil(1 - self._left))

    def take(self) -> None:
        """One message comes."""
        self._left -= 1
