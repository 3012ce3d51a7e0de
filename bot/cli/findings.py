"""What the doctor finds: one line each, and what to do about it. Nothing secret goes in here."""

from dataclasses import asdict, dataclass
from enum import Enum


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

    about: str
    level: Level
    says: str
    do: str = ""

    def line(self) -> str:
        """For people."""
        advice = f" {self.do}" if self.do else ""
        return f"{self.level.sign} {self.about + ':':<14} {self.says}{advice}"

    def record(self) -> dict[str, str]:
        """For machines."""
        return asdict(self) | {"level": self.level.name.lower()}


def ok(about: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(about, Level.OK, says)


def warning(about: str, says: str, do: str = "") -> Finding:
    """It works, but not all of it, or not for long."""
    return Finding(about, Level.WARNING, says, do)


def fault(about: str, says: str, do: str = "") -> Finding:
    """The bot cannot do its work like this."""
    return Finding(about, Level.FAULT, says, do)
