"""Slack's rate limits: how often a method may be called in a minute, by its tier.

Source: https://docs.slack.dev/apis/web-api/rate-limits and each method's own page. How many
messages a channel takes is another matter.
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
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
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


class Limits:
    """Counts calls on the workspace's clock; `strict` keeps the limits of all methods.

    Else only those of tier 2: a test in which no time passes calls the others more often than any
    real minute would.
    """

    def __init__(self) -> None:
        self.strict = False
        self._calls: dict[str, deque[datetime]] = defaultdict(deque)

    def retry_after(self, method: str, now: datetime) -> int | None:
        """The seconds to wait for, where this call is one too many; else it is counted."""
        tier = _METHODS.get(method)
        if tier is None or (tier != 2 and not self.strict):
            return None
        calls = self._calls[method]
        while calls and now - calls[0] >= _WINDOW:
            calls.popleft()
        if len(calls) >= _TIERS[tier]:
            return max(1, math.ceil((calls[0] + _WINDOW - now).total_seconds()))
        calls.append(now)
        return None
