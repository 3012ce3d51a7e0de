"""The paths of the bot's files, which people in Slack are not told, whoever wrote the sentence."""

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bot.config import Settings
from bot.monitoring.findings import Finding
from bot.reply import Words, plain
from bot.services.credential_keys import key_file_of


class Private:
    """Shortens the paths of these settings' files to their names."""

    def __init__(self, settings: Settings) -> None:
        self._files = (settings.policy_file, settings.sqlite_file, key_file_of(settings))

    @cached_property
    def _names(self) -> dict[str, str]:
        """What is told in the place of each path."""
        names: dict[str, str] = {}
        for file in self._files:
            if file is not None:
                for path in (file, file.absolute(), file.resolve()):
                    names |= _named(path)
        return names

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        # The longest first: a directory is a part of what is in it.
        longest = sorted(self._names, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest))) if longest else None

    def hidden_in(self, found: Finding) -> Finding:
        """The same finding, without a path."""
        return replace(found, says=self._without(found.says), do=self._without(found.do))

    def _without(self, words: Words) -> Words:
        if self._pattern is None or not self._pattern.search(told := plain(words)):
            return words
        return self._pattern.sub(lambda at: self._names[at[0]], told)


def _named(path: Path) -> dict[str, str]:
    """A path and its directory, where they tell more than a name, by what they are called."""
    places = {str(path): path.name, str(path.parent): path.parent.name}
    return {place: name for place, name in places.items() if "/" in place.strip("/")}
