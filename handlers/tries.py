"""Trying again until Slack answers: growing pauses, and one sentence about the trouble.

Knows nothing of what is tried.
"""

import random
import re
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import causes
from bot.addresses import place_of
from bot.clock import Clock
from bot.config import SLACK
from bot.ports import DeliveryFailed, LockedOut, PutOff
from bot.reply import Text, say
from handlers.addresses import proxy_for

T = TypeVar("T")

# The first failure may be a blip. The last pause and one attempt that hangs until its limit stay
# well below 30 s: so soon after the end of any outage the bot is back.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0, 1, 2, 4, 8))
# Slack asks for a minute at most; whoever asks for more is asked again all the same.
LONGEST_WISH = timedelta(minutes=5)

log = structlog.get_logger()


class Tries:
    """The tries at one thing that has to succeed in the end."""

    def __init__(self, clock: Clock, url: str, setting: str) -> None:
        self._clock = clock
        self._url = url
        self._host = place_of(url) or url
        self._setting = setting
        self._failures = 0
        self._said = self._said_again = False

    async def until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives, once it does. Raises LockedOut where waiting is of no use."""
        while True:
            try:
                answer = await ask()
            except DeliveryFailed as failure:
                if isinstance(failure, LockedOut) and failure.is_fatal:
                    raise
                if isinstance(failure, LockedOut):
                    self._refused(failure)
                await self.failed(failure)
            else:
                self.reached()
                self.begin_anew()
                return answer

    async def failed(self, failure: DeliveryFailed) -> None:
        """Say so if it is the first time, then wait until it is time for the next try."""
        # Whoever is locked out has been told which setting to look at.
        if not self._said and not isinstance(failure, LockedOut):
            self._said = True
            log.warning(
                "slack.unreachable",
                sentence=str(trouble(failure, self._host, self._setting)),
                advice=str(advice(failure, self._url)),
                then="Retrying until it answers.",
            )
        longest = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        pause = longest * random.uniform(0.5, 1)  # noqa: S311 - spreads the clients, no secret
        if isinstance(failure, PutOff):
            pause = max(pause, min(failure.retry_after or pause, LONGEST_WISH))
        await self._clock.sleep(pause)

    def _refused(self, refusal: LockedOut) -> None:
        if not self._said:
            self._said = True
            sentence = str(refusal.sentence)
            log.error("slack.refuses_the_bot", sentence=sentence, reason=refusal.reason)

    def reached(self) -> None:
        """Say that Slack answers again, if it was said that it does not."""
        if self._said and not self._said_again:
            self._said_again = True
            log.info(
                "slack.reached",
                host=self._host,
                setting=self._setting,
                after_tries=self._failures,
            )

    def begin_anew(self) -> None:
        """Let the next failure be a first one."""
        self._failures = 0
        self._said = self._said_again = False


def trouble(failure: DeliveryFailed, host: str, setting: str) -> Text:
    """That a call failed, in one sentence for the operator: an error of Slack's is an answer."""
    why_not = cause(failure)
    if _is_word_of_slacks(failure):
        return say(
            "Slack ({host}) answers {setting} with an error: {why}.",
            host=host, setting=setting, why=why_not,
        )  # fmt: skip
    return say(
        "Cannot reach Slack ({host}) with {setting}: {why}.",
        host=host, setting=setting, why=why_not,
    )  # fmt: skip


def cause(failure: DeliveryFailed) -> Text:
    """What went wrong, in words for the operator; no address and no text of the other side."""
    error = failure.__cause__
    if error is None:
        return failure.reason
    if isinstance(error, SlackApiError):
        if not failure.reason.startswith("http_"):
            return failure.reason  # a word of Slack's
        status, kind = failure.reason.removeprefix("http_"), _media_type(error)
        if not kind:
            return say("HTTP {status}, not an answer of Slack's", status=status)
        return say("HTTP {status} ({kind}), not an answer of Slack's", status=status, kind=kind)
    return why(error)


def why(error: BaseException) -> Text:
    """What kept a call from an answer of Slack's, told as `cause` does."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return say("the WebSocket is refused with HTTP {status}", status=error.status)
    if isinstance(error, (SlackClientError, AttributeError, ValueError, RecursionError)):
        return say("an answer that is not Slack's")
    return causes.cause(error)


def advice(failure: DeliveryFailed, url: str) -> Text:
    """Where to look, by what has answered and whether `url`, SLACK_API_URL, is Slack's own."""
    if _is_word_of_slacks(failure):
        return say("Slack was reached. Check status.slack.com, and the app's settings in Slack.")
    if url != SLACK and isinstance(failure.__cause__, OSError) and proxy_for(url):
        return say(
            "It is asked through a proxy: check {proxy}, and {setting}.",
            proxy=f"{url.partition(':')[0].upper()}_PROXY", setting="SLACK_API_URL",
        )  # fmt: skip
    if url != SLACK and not _is_trouble_of_slacks(failure):
        return say("Check SLACK_API_URL: without it, Slack's own address {url} is used.", url=SLACK)
    error = failure.__cause__
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return say("Check the proxy, which may look into TLS, and this machine's certificates.")
    if error is not None and not isinstance(error, OSError) and not _is_trouble_of_slacks(failure):
        return say("Something between here and Slack may answer in its place: check the proxy.")
    return say("Check the network, the proxy, and status.slack.com.")


def _is_word_of_slacks(failure: DeliveryFailed) -> bool:
    """Whether Slack itself has answered, with a word for what is wrong."""
    is_answer = isinstance(failure.__cause__, SlackApiError)
    return is_answer and not failure.reason.startswith("http_")


def _is_trouble_of_slacks(failure: DeliveryFailed) -> bool:
    """Whether what answered is, or may be, Slack itself that does not work at the moment."""
    if not isinstance(failure.__cause__, SlackApiError):
        return False
    return failure.reason.startswith("http_5") or _is_word_of_slacks(failure)


def _media_type(error: SlackApiError) -> str:
    """What kind of answer came, such as `text/html`: a word or nothing, whoever sent it."""
    headers = getattr(error.response, "headers", None) or {}
    given = next((str(v) for k, v in headers.items() if str(k).lower() == "content-type"), "")
    found = re.fullmatch(r"\s*([a-z]{1,20}/[a-z0-9.+-]{1,40})\s*(?:;.*)?", given.lower())
    return found[1] if found else ""
