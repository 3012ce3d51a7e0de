"""A freeze: somebody has stopped all changes of machines."""

from dataclasses import dataclass
from datetime import datetime

from bot.ids import UserId


@dataclass(frozen=True, slots=True)
class Freeze:
    """Who stopped them, why and since when."""

    person: UserId
    why: str
    since: datetime
