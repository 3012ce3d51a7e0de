"""Where every exception ends: a sentence and an error id for the person, a traceback for the log.

Before the acknowledgement a failure means that nothing was recorded, so nothing is acknowledged.
"""

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from types import MappingProxyType
from typing import Protocol

import structlog
from cachetools import TTLCache
from slack_bolt import BoltResponse

from bot.clock import Clock, time_limit
from bot.errors import BotError, from_error, from_surprise
from bot.ports import Answer, DeliveryFailed, LockedOut, RightsUnknown, Work, slack_does_not_say
from bot.reply import Reply, Severity, say
from bot.services.database import cause
from handlers.arrivals import STANDSTILL, Arrival, arrival
from handlers.deliveries import MEMORY, NOT_TAKEN, Acknowledgement, Deliveries, Taking
from handlers.recent import remember
from handlers.supervisor import Supervisor
from storage import StorageFailed, deciding

# Slack waits 3 s for an acknowledgement, a person longer for the answer: of many deliveries at once
# the work of the first waits for the rest, but not for ever where they never end.
_COURTESY = timedelta(seconds=0.1)
# For what Slack does not repeat: after 3 s it tells the person that it failed, so it must not be
# done any more; the rest is for the way there and back.
TAKEN_WITHIN = timedelta(seconds=2.5)

NOBODY: Mapping[str, str] = MappingProxyType({})  # Slack asks by itself

Settled = Callable[[Acknowledgement], Awaitable[Acknowledgement]]

log = structlog.get_logger()


class EndingAnswer(Answer, Protocol):
    """An answer that is told when nothing more will be said."""

    @property
    def asked(self) -> Mapping[str, str]:
        """Who asked and where, for the log."""
        ...

    async def done(self) -> None:
        """Take back what only said that it takes its time; raises nothing."""
        ...

    def break_off(self) -> None:
        """Note that whatever would have answered was stopped before its end."""
        ...


class Comes(Enum):
    """How often Slack delivers the same, where it is not taken."""

    ONCE = auto()  # a slash command, a click; twice only by mistake
    AGAIN = auto()  # an event, for some minutes
    ANEW = auto()  # a form, when the person sends it in again


class Boundary:
    """Takes deliveries and runs the work they ask for; nothing is raised out of it."""

    def __init__(self, supervisor: Supervisor, clock: Clock) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._deliveries = Deliveries(clock)
        # Slack repeats an event that was not taken; the person is told of the failure once.
        self._told: TTLCache[str, bool] = remember(clock, size=10_000, lifetime=MEMORY)

    async def take(
        self,
        key: str,
        answer: EndingAnswer,
        take: Taking,
        *,
        also: str = "",
        comes: Comes = Comes.ONCE,
        settled: Settled | None = None,
    ) -> BoltResponse:
        """Take a delivery; where that fails, tell the person and acknowledge nothing.

        `also` is another key of the same: a delivery with either is a repetition. `settled` says
        what is acknowledged of what was taken; it may wait, and nothing of that is undone.
        """
        if comes is Comes.ONCE and self._told.get(key):
            return BoltResponse(status=NOT_TAKEN, body="")  # delivered twice, and refused
        in_time = take if comes is Comes.AGAIN else partial(self._in_time, take)
        if settled is not None:
            in_time = partial(_settling, in_time, settled)
        try:
            return await self._deliveries.once(key, in_time, also=also)
        except Exception as error:  # noqa: BLE001 - the boundary is where all of them end
            reply = self._words(error, key, answer.asked)
            if comes is Comes.AGAIN and isinstance(error, StorageFailed):
                reply = _not_yet(error)
            if comes is Comes.ANEW or not self._told.get(key):
                self._told[key] = True
                self._supervisor.start(self._say(answer, reply), f"tell {key}")
            return BoltResponse(status=NOT_TAKEN, body="")

    async def _in_time(self, take: Taking) -> Acknowledgement:
        """Take it while Slack waits. Raises BotError where that is too late: nothing is done then.

        What is being committed by then is waited for: what is stored is carried out. That holds for
        whatever is stored in here.
        """
        came = arrival.get() or Arrival(self._clock.monotonic(), timedelta())
        left = TAKEN_WITHIN - came.waited(self._clock)
        if left <= timedelta():
            raise _read_too_late(came.lay)
        try:
            async with time_limit(self._clock, left) as limit:
                with deciding():
                    return await take()
        except TimeoutError:
            if not limit.expired():
                raise
            raise _too_late() from None

    async def ask(self, question: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Answer Slack's own question (options, a tab); where that fails, Slack says so itself."""
        try:
            return await question()
        except Exception as error:  # noqa: BLE001 - as above
            self._words(error, "")
            return BoltResponse(status=NOT_TAKEN, body="")

    def work(self, key: str, work: Work, answer: EndingAnswer, *, is_awaited: bool = False) -> None:
        """Do the work in a supervised task, after the acknowledgements under way.

        `is_awaited`: at once, since one of these waits for it.
        """
        self._supervisor.start(self._run(key, work, answer, is_awaited=is_awaited), f"work {key}")

    def refuse(self, key: str, answer: Answer, reply: Reply) -> Acknowledgement:
        """Take a delivery by saying no."""
        self._supervisor.start(self._say(answer, reply), f"refuse {key}")
        return Acknowledgement()

    async def _run(self, key: str, work: Work, answer: EndingAnswer, *, is_awaited: bool) -> None:
        try:
            if not is_awaited:
                with suppress(TimeoutError):
                    async with time_limit(self._clock, _COURTESY):
                        await self._deliveries.all_taken()
            await work(answer)
        except asyncio.CancelledError:
            answer.break_off()
            raise
        except Exception as error:  # noqa: BLE001 - as above
            reply = self._words(error, key, answer.asked)
            # A response_url works without the token.
            sayable = isinstance(error, (LockedOut, RightsUnknown))
            if sayable or not isinstance(error, DeliveryFailed):
                await self._say(answer, reply)
        finally:
            await answer.done()

    async def _say(self, answer: Answer, reply: Reply) -> None:
        try:
            await answer.say(reply)
        except DeliveryFailed as failed:
            log.warning("answer_lost", reason=failed.reason)
        except Exception:  # nobody is left to be told
            log.exception("answer_failed")

    def _words(self, error: Exception, key: str, asked: Mapping[str, str] = NOBODY) -> Reply:
        """Log the failure; the reply for whoever caused it."""
        if isinstance(error, BotError):
            if error.severity is Severity.REFUSED:
                log.info("refused", key=key, sentence=error.sentence)
            else:
                because = {"because": str(cause(error))} if isinstance(error, StorageFailed) else {}
                told = {"sentence": error.sentence, "severity": error.severity, **because}
                log.warning("failed", key=key, **told)
            return from_error(error)
        if isinstance(error, RightsUnknown):
            log.warning("rights.unknown", key=key, reason=error.reason)
            return from_error(slack_does_not_say())
        if isinstance(error, LockedOut):
            log.warning("slack_failed", key=key, reason=error.reason)
            return from_error(_locked_out())
        error_id = _error_id(key)
        if isinstance(error, DeliveryFailed):
            log.warning("slack_failed", key=key, **asked, error_id=error_id, reason=error.reason)
        else:
            log.error("surprise", key=key, **asked, error_id=error_id, exc_info=error)
        return from_surprise(error_id)


async def _settling(take: Taking, settled: Settled) -> Acknowledgement:
    return await settled(await take())


def _error_id(key: str) -> str:
    """What people are told; the `key` in the log of the same delivery begins with it."""
    return key.rpartition(":")[2][:8] or secrets.token_hex(4)


def _too_late() -> BotError:
    return BotError(
        say("The bot's database did not respond in time, so nothing was done."),
        hint=say("Try again in a minute. If it goes on, tell whoever runs this bot."),
    )


def _read_too_late(lay: timedelta) -> BotError:
    if lay >= STANDSTILL:
        seconds = math.ceil(lay.total_seconds())
        sentence = say(
            "The bot read this only after {seconds} s, so nothing was done.", seconds=seconds
        )
    else:
        sentence = say("The bot was too busy to take this in time, so nothing was done.")
    return BotError(sentence, hint=say("Slack had given up on it by then. Try again now."))


def _not_yet(error: StorageFailed) -> Reply:
    """Slack delivers it again by itself: whoever repeated it would have it done twice."""
    again = say("Slack sends me your message again within minutes. Do not repeat it yet.")
    return from_error(BotError(error.words, hint=again))


def _locked_out() -> BotError:
    return BotError(
        say("Slack refuses the bot's token or one of its scopes, so I cannot answer this now."),
        hint=say("Tell whoever runs this bot: its log says what to set."),
    )
