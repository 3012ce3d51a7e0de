"""Which of the DBC daemons can be used, by what comes of requests and of looks at the others.

Readiness does not hang on it: another replica could not reach them either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.addresses import places_of
from bot.causes import BROKEN, NO_ANSWER
from bot.clock import Clock
from bot.dbc.errors import (
    ConnectionLost,
    DaemonDisconnected,
    DaemonFull,
    DbcError,
    Foreign,
    NodeTimeout,
    Unreachable,
)
from bot.reply import Text, listed, say

_UNHEARD = timedelta(seconds=50)  # then it is looked at by itself; looks are a minute apart
_WORTH_SAYING = timedelta(seconds=30)  # one lost request changes nothing

log = structlog.get_logger()


@dataclass(slots=True)
class _Heard:
    at: timedelta | None = None  # by the monotonic clock
    down_since: timedelta | None = None
    why: Text = ""


class Presence:
    """What is known of each daemon; one that nobody has asked yet counts as there."""

    def __init__(self, urls: Sequence[str], clock: Clock) -> None:
        self._clock = clock
        self._heard = {url: _Heard() for url in urls}
        self._places = dict(zip(urls, places_of(urls), strict=True))

    def note(self, url: str, outcome: object, *, of_node: bool) -> None:
        """Hear what came of a request. Logs once that a daemon is down, and once that it is back.

        `of_node`: a node was asked by it, so that a silence may be the node's.
        """
        heard, now = self._heard[url], self._clock.monotonic()
        where = self._places[url]
        if isinstance(outcome, DbcError) and (why := _why_down(outcome, of_node=of_node)):
            if heard.down_since is None:
                log.warning("dbc.down", daemon=where, because=outcome.sentence, why=str(why))
                heard.down_since = now
            heard.why = why
        elif of_node and isinstance(outcome, NodeTimeout | ConnectionLost | Foreign):
            return  # it says nothing of the daemon, which is looked at by itself then
        elif heard.down_since is not None:
            heard.down_since = None
            log.info("dbc.up", daemon=where)
        heard.at = now

    def unheard(self) -> list[str]:
        """Those that nobody has asked lately, so that they have to be looked at."""
        now = self._clock.monotonic()
        return [
            url
            for url, heard in self._heard.items()
            if heard.at is None or now - heard.at >= _UNHEARD
        ]

    @property
    def up(self) -> int:
        """How many are there, as far as is known."""
        return sum(heard.down_since is None for heard in self._heard.values())

    def impairments(self) -> tuple[Text, ...]:
        """Which are down for longer than a moment, and what that means. Names no address."""
        now = self._clock.monotonic()
        down = {
            number: heard.why
            for number, heard in enumerate(self._heard.values(), start=1)
            if heard.down_since is not None and now - heard.down_since >= _WORTH_SAYING
        }
        if not down:
            return ()
        number, why = len(self._heard), listed(list(dict.fromkeys(down.values())))
        if number == 1:
            return (say(
                "The DBC daemon cannot be used ({why}): no machine can be seen or changed "
                "meanwhile. See DBC_CLIENT_URLS.",
                why=why,
            ),)  # fmt: skip
        if len(down) == number:
            return (say(
                "None of the {number} DBC daemons can be used ({why}): no machine can be seen or "
                "changed meanwhile. See DBC_CLIENT_URLS.",
                number=number, why=why,
            ),)  # fmt: skip
        return (say(
            "{down} of {number} DBC daemons cannot be used (number {which} of DBC_CLIENT_URLS: "
            "{why}). The others are asked meanwhile.",
            down=len(down), number=number, which=listed([*map(str, down)]), why=why,
        ),)  # fmt: skip


def _why_down(error: DbcError, *, of_node: bool) -> Text:
    """Why the daemon itself cannot be used; nothing where the error does not say that."""
    if isinstance(error, Unreachable):
        return error.why
    if isinstance(error, DaemonDisconnected):
        return say("it has lost the DBC network")
    if isinstance(error, DaemonFull):
        return say("all of its slots are taken")
    if of_node:
        return ""
    if isinstance(error, Foreign):
        return say("something else answers in its place")
    if isinstance(error, NodeTimeout):
        return NO_ANSWER
    return BROKEN if isinstance(error, ConnectionLost) else ""
