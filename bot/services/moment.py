"""A directory that asks Slack about each person and group once, for one decision or one list.

Rights are read when they matter: make a new one for every click.
"""

from bot.ports import Directory, PersonInfo


class Moment:
    """ports.Directory as it is at this moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._people: dict[str, PersonInfo] = {}
        self._groups: dict[str, frozenset[str]] = {}

    async def person(self, user: str) -> PersonInfo:
        """Look a person up. Raises DeliveryFailed."""
        if user not in self._people:
            self._people[user] = await self._directory.person(user)
        return self._people[user]

    async def members(self, group: str) -> frozenset[str]:
        """The people of a user group. Raises DeliveryFailed."""
        if group not in self._groups:
            self._groups[group] = await self._directory.members(group)
        return self._groups[group]
