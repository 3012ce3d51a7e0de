"""A directory that asks Slack about each person once, for one decision or one list.

Rights are read when they matter: make a new one for every click.
"""

from collections.abc import Mapping

from bot.ids import UserId
from bot.ports import DeliveryFailed, Directory, PersonInfo, UserGroup

# Each may take ten seconds while Slack keeps silent.
_MOST_FAILURES = 3


class Moment:
    """ports.Directory as it is at this moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._people: dict[str, PersonInfo] = {}
        self._failed: dict[str, DeliveryFailed] = {}
        self._in_a_row: list[DeliveryFailed] = []

    async def person(self, user: UserId) -> PersonInfo:
        """Look a person up. Raises DeliveryFailed, at once where three in a row could not be."""
        if user in self._people:
            return self._people[user]
        if user in self._failed:
            raise self._failed[user]
        if len(self._in_a_row) >= _MOST_FAILURES:
            raise self._in_a_row[-1]
        try:
            self._people[user] = await self._directory.person(user)
        except DeliveryFailed as failure:
            self._failed[user] = failure
            if failure.retry_after is not None:
                self._in_a_row.append(failure)
            raise
        self._in_a_row.clear()
        return self._people[user]

    async def groups(self) -> Mapping[str, UserGroup]:
        """All user groups. Raises DeliveryFailed."""
        return await self._directory.groups()
