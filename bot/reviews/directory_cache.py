"""A directory that asks Slack about each person once, for one decision or one list.

Rights are read when they matter: make a new one for every click.
"""

from collections.abc import Mapping

from bot.ids import UserId
from bot.ports import Directory, PersonInfo, UserGroup


class Moment:
    """ports.Directory as it is at this moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._people: dict[str, PersonInfo] = {}

    async def person(self, user: UserId) -> PersonInfo:
        """Look a person up. Raises DeliveryFailed."""
        if user not in self._people:
            self._people[user] = await self._directory.person(user)
        return self._people[user]

    async def groups(self) -> Mapping[str, UserGroup]:
        """All user groups. Raises DeliveryFailed."""
        return await self._directory.groups()
