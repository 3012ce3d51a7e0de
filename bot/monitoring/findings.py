"""What the doctor finds: one line each, and what to do about it. Nothing secret goes in here."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from bot.log import CREDENTIALS
from bot.reply import Line, Text, Words, bold, line, plain, say, sentences


class Level(Enum):
    """How bad it is: its sign, and the exit code that it leads to."""

    OK = ("✔", 0)
    WARNING = ("⚠", 1)
    FAULT = ("✘", 2)

    @property
    def sign(self) -> str:
        """What stands in front of the line."""
        return self.value[0]

    @property
    def code(self) -> int:
        """The exit code."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what to do."""

    about: Text
    level: Level
    says: Words
    do: Words = ""

    def line(self) -> str:
        """For whoever sits at the machine."""
        advice = f" {plain(self.do)}" if self.do else ""
        return _clean(f"{self.level.sign} {plain(self.about) + ':':<14} {plain(self.says)}{advice}")

    @property
    def shown(self) -> Line:
        """For people in Slack, in their language."""
        said = sentences((self.says, self.do))
        if CREDENTIALS.search(plain(said)):
            said = line(_clean(plain(said)))
        return line(self.level.sign, " ", bold(self.about), " ", said)

    def record(self) -> Mapping[str, str]:
        """For machines."""
        texts = {"about": self.about, "says": self.says, "do": self.do}
        found = {name: _clean(plain(text)) for name, text in texts.items()}
        return {**found, "level": self.level.name.lower()}


@dataclass(frozen=True, slots=True)
class Sight:
    """For whom it is looked. Only who sits at the machine is told where things are there."""

    is_local: bool
    is_running: bool = False  # whether a bot is known to run on the database

    def see(self, event: str) -> Text:
        """Where to look further: a line of the log, which a bot that does not run has not."""
        if self.is_local and not self.is_running:
            return say("Is the bot running? If so, see {event} in its log.", event=event)
        return say("See {event} in the log.", event=event)

    def path(self, path: Path) -> str:
        """What a file is called."""
        return str(path) if self.is_local else path.name

    def daemon(self, address: str, number: int) -> Text:
        """What a DBC daemon is called, the first one being 1."""
        return f"DBC {address}" if self.is_local else say("DBC daemon {number}", number=number)


class Checkup(Protocol):
    """Looks at everything that the bot needs."""

    async def looked(self) -> list[Finding]:
        """What is found, each look bounded in time; raises nothing."""
        ...


Findings = AsyncIterator[Finding]


def ok(about: Text, says: Words) -> Finding:
    """Nothing to do."""
    return Finding(about, Level.OK, says)


def warning(about: Text, says: Words, do: Words = "") -> Finding:
    """It works, but not all of it, or not for long."""
    return Finding(about, Level.WARNING, says, do)


def fault(about: Text, says: Words, do: Words = "") -> Finding:
    """The bot cannot do its work like this."""
    return Finding(about, Level.FAULT, says, do)


def _clean(text: str) -> str:
    return CREDENTIALS.sub("…", text)
