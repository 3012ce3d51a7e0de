"""What is asked of Slack so that people read their own language."""

from datetime import timedelta

import structlog
from cachetools import TTLCache

from bot.clock import Clock, time_limit
from bot.ids import Reader
from bot.ports import DeliveryFailed
from handlers.connection import SlackConnection
from handlers.recent import remember
from handlers.shapes import Described, shaped

# So long somebody is not asked about again where Slack did not say.
_UNSAID = timedelta(minutes=1)
# A trigger_id lasts three seconds.
_PATIENCE = timedelta(seconds=1)

log = structlog.get_logger()


class Readers:
    """Finds out in which language people read, before something is said to them alone."""

    def __init__(self, connection: SlackConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._unsaid: TTLCache[str, bool] = remember(clock, size=1_000, lifetime=_UNSAID)

    async def meet(self, reader: Reader) -> None:
        """Ask about a person of whom nothing is known; nothing depends on the answer."""
        languages = self._connection.languages
        person = languages.person_in(reader) if languages is not None else None
        if languages is None or person is None or languages.is_known(person):
            return
        if self._unsaid.get(person):
            return
        self._unsaid[person] = True
        try:
            async with time_limit(self._clock, _PATIENCE):
                answer = await self._connection.read(
                    "users.info", timedelta(), user=person, include_locale=True
                )
            found = shaped(Described, answer).user
        except (DeliveryFailed, TimeoutError) as failed:
            log.info("language_not_known", user=person, reason=str(failed) or "no answer")
        else:
            languages.heard(found.id, found.locale)
            self._unsaid.pop(person, None)  # who changes it again is asked about again
