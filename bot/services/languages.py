"""In which language something is read: a person's own, or a channel's.

Kept in memory: what is acknowledged, or edited ten thousand times, waits for no disk. What differs
from the site's language is stored, so that also a new process, or another one, knows it.
"""

from collections.abc import Mapping
from gettext import NullTranslations
from typing import Literal

from bot.ids import ChannelId, Reader, UserId, is_person
from bot.reply import Language, catalogue, language_of
from storage import Store

OwnerKind = Literal["person", "channel"]  # whose choice it is


class Languages:
    """ports.Languages: what people and channels chose, else what Slack says, else the site's."""

    def __init__(self, store: Store, default: Language) -> None:
        self._store = store
        self.default = default
        self._stored: Mapping[str, dict[str, str]] = {}
        self._heard: dict[UserId, Language] = {}  # by person, as Slack says; not stored yet
        self._locales: dict[UserId, Language] = {}  # what was heard before, where nothing is stored
        self._doubtful: set[UserId] = set()
        self._direct: dict[ChannelId, UserId] = {}  # whose a direct message is

    def of(self, reader: Reader) -> NullTranslations:
        """The words for whoever reads in this conversation, or for this person."""
        return catalogue(self.language(reader))

    def language(self, reader: Reader) -> Language:
        """The language of a person or a conversation, as far as it is known."""
        if (person := self.person_in(reader)) is not None:
            said = self._locale(person)
            return self.chosen("person", person) or said or self.default
        return self.chosen("channel", reader) or self.default

    def person_in(self, reader: Reader) -> UserId | None:
        """Who alone reads there; None for a channel, or for nobody knows whom."""
        if is_person(reader):
            return reader
        return self._direct.get(ChannelId(reader)) or self._person_of(reader)

    def _person_of(self, conversation: Reader) -> UserId | None:
        stored = self._stored.get("direct", {}).get(conversation)
        return None if stored is None else UserId(stored)

    def is_known(self, person: UserId) -> bool:
        """Whether there is nothing to be asked about a person's language."""
        if self.chosen("person", person):
            return True
        return self._locale(person) is not None and person not in self._doubtful

    def chosen(self, scope: OwnerKind, owner: Reader) -> Language | None:
        """What was set for a person or a channel."""
        return language_of(self._stored.get(scope, {}).get(owner, ""))

    def _locale(self, person: UserId) -> Language | None:
        stored = language_of(self._stored.get("locale", {}).get(person, ""))
        return self._heard.get(person) or stored or self._locales.get(person)

    def heard(self, person: UserId, locale: str) -> None:
        """Note the locale that Slack says a person has."""
        self._doubtful.discard(person)
        self._heard[person] = language_of(locale) or self.default

    def doubt(self, person: UserId) -> None:
        """Have a person asked about anew; until then what is known counts."""
        self._doubtful.add(person)

    def meets(self, conversation: ChannelId, person: UserId) -> None:
        """Note whose a direct message with the bot is."""
        self._direct[conversation] = person

    async def choose(self, scope: OwnerKind, owner: Reader, language: Language | None) -> None:
        """Set it, from now on and in every process; None: no longer."""
        async with self._store.write() as tx:
            if language is None:
                await tx.readers.remove(scope, owner)
            else:
                await tx.readers.set(scope, owner, language)
        await self.refresh()

    async def refresh(self) -> None:
        """Store what was noted, once, and read it all again: another process may have changed some.

        What was heard last by any of them counts.
        """
        heard = dict(self._heard)
        locales = {
            person: language
            for person, language in heard.items()
            if language != (self._stored.get("locale", {}).get(person) or self.default)
        }
        known = self._stored.get("direct", {})
        direct = {
            conversation: person
            for conversation, person in self._direct.items()
            if conversation not in known and self.language(person) != self.default
        }
        if locales or direct:
            async with self._store.write() as tx:
                for person, language in locales.items():
                    await tx.readers.set("locale", person, language)
                for conversation, person in direct.items():
                    await tx.readers.set("direct", conversation, person)
        async with self._store.read() as tx:
            self._stored = await tx.readers.all()
        self._locales |= heard
        self._heard = {p: now for p, now in self._heard.items() if heard.get(p) != now}
