"""A freeze: somebody has stopped all changes of machines."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    """Who stopped them, why and since when."""

    person: str
    why: str
    since: datetime
