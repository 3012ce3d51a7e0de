"""When refused looks mean that access is gone: not the first one, and not within minutes. Pure.

A node asks the chain twice for each request. Where the second answer fails to come, it refuses the
session as if the rental had ended (docs/dbc-api.md §2.6, §11.4), and the next look works again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from bot.model import Noted

AGAIN_AFTER = timedelta(minutes=1)
_BELIEVED_AFTER = timedelta(minutes=5)
_BELIEVED_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Refusals:
    """Looks that were refused since the last one that worked."""

    since: datetime
    times: int

    @classmethod
    def after_one_more(cls, about: Mapping[str, str], now: datetime) -> Self:
        """What is known with the refusal of `now`; `about` is what the watch remembers."""
        if not about.get(Noted.REFUSED_SINCE):
            return cls(now, 1)
        return cls(
            datetime.fromisoformat(about[Noted.REFUSED_SINCE]), int(about[Noted.REFUSED_TIMES]) + 1
        )

    def about(self) -> Mapping[str, str]:
        """The same as texts, to be kept with a watch."""
        return {Noted.REFUSED_SINCE: self.since.isoformat(), Noted.REFUSED_TIMES: str(self.times)}

    @property
    def believed_at(self) -> datetime:
        """When they are taken to mean what they say, if nothing else is seen before."""
        return self.since + _BELIEVED_AFTER

    def is_believed(self, now: datetime) -> bool:
        """Whether access is gone, and not just refused in passing."""
        return self.times >= _BELIEVED_LOOKS and now >= self.believed_at


def forgotten(about: Mapping[str, str]) -> Mapping[str, str]:
    """What a watch remembers once a look has worked again."""
    return {
        name: text
        for name, text in about.items()
        if name not in {Noted.REFUSED_SINCE, Noted.REFUSED_TIMES}
    }
