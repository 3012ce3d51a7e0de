"""The way to Slack's Web API: one client, its retries, who we are, and what failures mean.

Knows nothing of replies or of the core.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache, partial
from gettext import NullTranslations
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin

import aiohttp
import structlog
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.addresses import place_of
from bot.clock import Clock, SystemClock, shown, was_set
from bot.config import Settings
from bot.health import Health, Steadiness
from bot.ids import ChannelId, Reader, UserId
from bot.language.spelling import Spelling
from bot.language.table import Table
from bot.log import CREDENTIALS
from bot.metrics import Metrics
from bot.ports import (
    RATE_LIMITED,
    SETTLES_WITHIN,
    DeliveryFailed,
    Languages,
    LockedOut,
    PutOff,
    Shut,
    Unanswered,
    Unfamiliar,
)
from bot.redaction import Redactor
from bot.reply import (
    ENGLISH,
    Language,
    Reply,
    Text,
    catalogue,
    say,
    with_commands,
    with_moments,
    with_words,
)
from handlers.addresses import is_websocket, proxy_for
from handlers.pacing import PATIENCE, Pacing
from handlers.payloads import Identity, Json
from handlers.refusals import (
    APP_TOKEN,
    BOT_TOKEN,
    FINAL,
    OF_THE_PLACE,
    OPENS_SOCKET,
    PASSING,
    SOCKET_MODE,
    UNCERTAIN,
    is_granted,
    lockout,
    word_of,
)
from handlers.retries import ONCE, careful_handlers, retry_after, retry_handlers
from handlers.scopes import Scopes
from handlers.tables import INVALID_BLOCKS, Tables
from handlers.tries import why
from handlers.uploads import upload_in_pieces

T = TypeVar("T")

log = structlog.get_logger()

TIMEOUT = 10  # seconds; Slack answers within one or not at all
SOON = timedelta(seconds=5)
LATER = timedelta(seconds=30)
# How long a call may still be carried out of which Slack itself says that it failed; SETTLES_WITHIN
# is for one that Slack has not answered. What else answers (a proxy, a gateway) does not know.
ENDED = timedelta(seconds=30)
# A call that failed longer ago says nothing of whether Slack answers now.
_STALE = timedelta(minutes=2)
UNREACHABLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
# What the SDK raises besides when an answer has no shape of Slack's: text, a list, broken UTF-8,
# brackets a thousand deep. A page of a proxy must not look like a fault of ours.
FAILING = (*UNREACHABLE, AttributeError, ValueError, RecursionError)

# What the SDK calls for one file.
_UPLOAD = ("files.getUploadURLExternal", "files.completeUploadExternal")

# Bolt finds our token in the environment and says that it will not use it; nor should it.
_ANSWERS = "async_internals"  # Bolt's module that answers in Socket Mode
_MOOT = warning_client_prioritized_and_token_skipped()


class _Discreet(logging.Filter):
    """Takes credentials out of what the SDK logs, and its traces of what we report ourselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        # That a delivery was not taken, without why: whoever did not take it has logged that.
        if record.module == _ANSWERS:
            return False
        text = record.getMessage()
        record.msg, record.args = CREDENTIALS.sub("…", text), None
        record.exc_info = None
        return text != _MOOT


def sdk_logger() -> logging.Logger:
    """The logger of Bolt and the SDK. Never below INFO: at DEBUG they print payloads and forms."""
    logger = logging.getLogger("slack")
    logger.setLevel(logging.INFO)
    if not any(isinstance(known, _Discreet) for known in logger.filters):
        logger.addFilter(_Discreet())
    return logger


class SlackConnection:
    """Everything that needs the bot token. Open it before use; `identity` is known from then on.

    What Slack refuses the bot itself for is logged once and reported to `health`.
    """

    def __init__(
        self,
        settings: Settings,
        health: Health | None = None,
        redactor: Redactor | None = None,
        clock: Clock | None = None,
        languages: Languages | None = None,
        metrics: Metrics | None = None,
        table: Table | None = None,
    ) -> None:
        self.languages = languages
        self.health = health or Health()
        self.metrics = metrics or Metrics()
        self._host = place_of(settings.slack_api_url)
        self._answering = Steadiness(clock or SystemClock())
        self._unanswered: timedelta | None = None  # when the last call was not answered
        self._lacking: set[str] = set()
        self._scopes = Scopes(self.health)
        self.logger = sdk_logger()
        self.client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            timeout=TIMEOUT,
            logger=self.logger,
            retry_handlers=retry_handlers(),
        )
        # Asked for each answer; the environment stays as it is, and there are few hosts.
        self._proxy_for = lru_cache(16)(proxy_for)
        self.client.proxy = self._proxy_for(settings.slack_api_url)
        app_token = settings.slack_app_token
        self._app_token = app_token.get_secret_value() if app_token is not None else ""
        self._identity: Identity | None = None
        self._is_closed = False
        self._spelling = Spelling(table or Table(()), settings.slash_command)
        self._redactor = redactor or Redactor()
        self._clock = clock
        self._now = (clock or SystemClock()).monotonic
        self._pacing = Pacing(clock or SystemClock())
        self.tables = Tables(self._now, wanted=settings.slack_blocks == "auto")

    @property
    def identity(self) -> Identity:
        """Which workspace and which bot user the token stands for."""
        if self._identity is None:
            raise RuntimeError("the connection to Slack is not open")
        return self._identity

    def spelled(self, said: T, reader: Reader) -> T:
        """What is said, in the language of a person or of whoever reads in a conversation, with its
        commands as people type them in this workspace, and moments as the machine's clock shows
        them.

        The last defence: only an answer that is meant to tell secrets may hold one that is known.
        """
        language: Language = "en" if self.languages is None else self.languages.language(reader)
        said = with_words(with_commands(said, self._spelling.of(language)), catalogue(language))
        if self._clock is not None and was_set(self._clock):
            said = with_moments(said, partial(shown, self._clock))
        meant = isinstance(said, Reply) and said.sensitive
        return said if meant else self._redactor.redacted(said)

    def words(self, reader: Reader) -> NullTranslations:
        """The words in the language of a person, or of whoever reads in a conversation."""
        return ENGLISH if self.languages is None else self.languages.of(reader)

    async def open(self) -> None:
        """Ask Slack who we are. Raises DeliveryFailed (`invalid_auth` for a wrong token)."""
        who = await self.ask("auth.test", self.client.token or "")
        self._require_open()  # it may have been closed meanwhile
        identity = Identity(
            team=_word(who, "team_id"),
            enterprise=_word(who, "enterprise_id"),
            user=UserId(_word(who, "user_id")),
            bot=_word(who, "bot_id"),
        )
        if not identity.team or not identity.user:
            raise DeliveryFailed("an answer without team and user", SOON)
        self._identity = identity
        # One pool of connections for the SDK: without it each call begins with a TLS handshake.
        self.client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))

    async def ask(self, method: str, token: str) -> Mapping[str, Any]:
        """Call a method without arguments, once, over a connection of its own.

        For whoever tries again by themselves. Raises DeliveryFailed.
        """
        self._require_open()
        client = AsyncWebClient(
            token=token,
            base_url=self.client.base_url,
            timeout=TIMEOUT,
            logger=self.logger,
            retry_handlers=[],
        )
        client.proxy = self.client.proxy
        began = time.perf_counter()
        try:
            answer = await client.api_call(method)
        except FAILING as error:
            meant = failure(error)
            self._called(method, began, error, meant)
            raise meant from error
        self._called(method, began)
        if token == self.client.token:
            self._scopes.note(answer.headers)
        return data_of(answer.data)

    def _called(
        self,
        method: str,
        began: float,
        error: BaseException | None = None,
        meant: DeliveryFailed | None = None,
    ) -> None:
        """Take note of a call and what came of it."""
        word = "" if meant is None else word_of(meant)
        self.metrics.called_slack(method, word, time.perf_counter() - began)
        is_silence = isinstance(meant, Unanswered) or (
            error is not None and not isinstance(error, SlackApiError)
        )
        self._answering.note(is_up=not is_silence)
        if is_silence:
            self._unanswered = self._now()

    def silence(self) -> Text:
        """That Slack answers no calls, once that is so for long; nothing while it does."""
        down_for, last = self._answering.down_for, self._unanswered
        if down_for is None or last is None or self._now() - last > _STALE:
            return ""
        return say(
            "Slack ({host}) has answered no call for {seconds} s.",
            host=self._host, seconds=down_for.seconds,
        )  # fmt: skip

    async def open_socket(self) -> str:
        """A URL for one handshake of a WebSocket. Raises DeliveryFailed."""
        answer = await self.ask(OPENS_SOCKET, self._app_token)
        url = answer.get("url")
        if not isinstance(url, str) or not is_websocket(url):
            raise DeliveryFailed("an answer without a WebSocket address", SOON)
        self.regained(APP_TOKEN)
        self.regained(SOCKET_MODE)
        return url

    async def is_refused_still(self) -> bool:
        """Ask Slack again about what it refused the bot for: whether it does so once more.

        An answer that is no refusal proves nothing: an outage often begins with odd answers.
        """
        for what in self.health.lacking or (BOT_TOKEN,):
            try:
                if what == APP_TOKEN:
                    await self.open_socket()
                    continue
                answer = await self.client.auth_test()
            except (DeliveryFailed, *FAILING) as error:
                meant = self.failed(error)
                if isinstance(meant, LockedOut) and meant.lacks == what:
                    return True
                log.warning("slack.does_not_say", whether_it_takes=what, reason=meant.reason)
                continue
            self._accepted("auth.test", answer)
            if what in self.health.lacking and _scopes_of(answer):
                return True
        return False

    def _accepted(self, method: str, answer: AsyncSlackResponse) -> None:
        """Take note that Slack has answered a call: the token is good, with the scopes it names."""
        conversation = _word(data_of(answer.data), "channel")
        self._scopes.note(answer.headers)
        for what in tuple(self._lacking):
            if is_granted(what, _scopes_of(answer), method, conversation):
                self.regained(what)

    def failed(self, error: BaseException) -> DeliveryFailed:
        """What an SDK error means. A refusal of the bot itself is logged once and reported."""
        meant = failure(error)
        if isinstance(meant, LockedOut):
            if meant.lacks not in self._lacking:
                self._lacking.add(meant.lacks)
                log.error(
                    "slack.refuses_the_bot", sentence=str(meant.sentence), reason=meant.reason
                )
            if meant.is_fatal:
                self.health.lost(meant.lacks, meant.sentence)
        return meant

    def regained(self, what: str) -> None:
        """Report that Slack takes again what it refused (`refusals.APP_TOKEN` …)."""
        self._lacking.discard(what)
        if self.health.regained(what):
            log.info("slack.accepts_the_bot", again=what)

    async def close(self) -> None:
        """Let go of the pool. Every call from now on is a DeliveryFailed: nothing is sent."""
        self._is_closed = True
        if self.client.session is not None:
            await self.client.session.close()

    def _require_open(self) -> None:
        """Raise DeliveryFailed once it is closed: else the SDK opens a connection of its own."""
        if self._is_closed:
            raise DeliveryFailed("the connection to Slack is closed", SOON)

    def put_off(self, method: str, channel: ChannelId = ChannelId("")) -> PutOff | None:
        """What Slack would put this call off with, as it has said before; None: nothing."""
        return self._pacing.put_off(method, channel)

    async def call(
        self, method: str, patience: timedelta = PATIENCE, **arguments: object
    ) -> Mapping[str, Any]:
        """Call a method that writes; None arguments are left out. Raises DeliveryFailed.

        `patience`: for how long it waits by itself where Slack puts it off.
        """
        given = _given(arguments)
        ask = partial(self._ask, method, json=given)
        return await self._pacing.send(
            method, ChannelId(str(given.get("channel", ""))), ask, patience
        )

    async def read(
        self, method: str, patience: timedelta = PATIENCE, **arguments: object
    ) -> Mapping[str, Any]:
        """Call a method that reads: Slack takes no JSON for these. Raises DeliveryFailed."""
        ask = partial(self._ask, method, http_verb="GET", params=_given(arguments))
        return await self._pacing.send(method, ChannelId(""), ask, patience)

    async def _ask(self, method: str, **how: Any) -> Mapping[str, Any]:
        """Call a method. Raises Unanswered only for what must not be done twice."""
        self._require_open()
        began = time.perf_counter()
        try:
            answer = await self.client.api_call(method, **how)
        except FAILING as error:
            meant = self.failed(error)
            self._called(method, began, error, meant)
            if isinstance(meant, Unanswered) and method not in ONCE:
                meant = DeliveryFailed(meant.reason, meant.retry_after)
            raise meant from error
        self._called(method, began)
        self._accepted(method, answer)
        return data_of(answer.data)

    async def upload(
        self, channel: ChannelId, thread: str, name: str, content: str | BinaryIO
    ) -> None:
        """Share a text file in a conversation. Raises DeliveryFailed."""
        share = partial(self._upload, channel, thread, name, content)
        await self._pacing.send(_UPLOAD[0], ChannelId(""), share, PATIENCE)

    async def _upload(
        self, channel: ChannelId, thread: str, name: str, content: str | BinaryIO
    ) -> None:
        self._require_open()
        if isinstance(content, str):
            share = partial(self.client.files_upload_v2, content=self._redactor.redact(content))
        else:
            share = partial(upload_in_pieces, self.client, content)
        began = time.perf_counter()
        try:
            answer = await share(
                filename=name, title=name, channel=channel, thread_ts=thread or None
            )
        except FAILING as error:
            meant = self.failed(error)
            self._called(_UPLOAD[1], began, error, meant)
            raise meant from error
        self._called(_UPLOAD[1], began)
        for method in _UPLOAD:
            self._accepted(method, answer)

    async def respond(self, url: str, body: Json) -> None:
        """Use a response_url once. Raises DeliveryFailed: Unanswered where it may be said."""
        self._require_open()
        webhook = AsyncWebhookClient(
            url,
            timeout=TIMEOUT,
            session=self.client.session,
            logger=self.logger,
            retry_handlers=careful_handlers(),
        )
        webhook.proxy = self._proxy_for(urljoin(url, "/"))
        try:
            answer = await webhook.send_dict(body)
        except FAILING as error:
            raise failure(error) from error
        if _says_yes(answer.body) and answer.status_code == 200:
            return
        reason = f"response_url: {answer.status_code}"
        if answer.status_code == 400 and INVALID_BLOCKS in answer.body:
            raise DeliveryFailed(INVALID_BLOCKS, None)
        if _says_no(answer.body) or 400 <= answer.status_code < 500:
            raise DeliveryFailed(reason, None)
        raise Unanswered(reason, SOON, SETTLES_WITHIN)


def _given(arguments: Json) -> Json:
    return {name: value for name, value in arguments.items() if value is not None}


def _says_yes(body: str) -> bool:
    """A response_url is answered with the text ok, or with {"ok": true}."""
    return body.strip() == "ok" or '"ok":true' in body.replace(" ", "")


def _says_no(body: str) -> bool:
    """A used-up response_url is answered with 200 and {"ok": false, "error": "used_url"}."""
    return '"ok":false' in body.replace(" ", "")


def _word(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _scopes_of(answer: AsyncSlackResponse) -> str:
    """The scopes of the bot token, as Slack names them beside the answer."""
    return str(answer.headers.get("x-oauth-scopes", ""))


def data_of(data: object) -> Mapping[str, Any]:
    """The answer as a mapping; Slack's failures may come as HTML or nothing."""
    return data if isinstance(data, Mapping) else {}


def failure(error: BaseException) -> DeliveryFailed:
    """What an SDK error means for whoever wanted to deliver something."""
    if isinstance(error, DeliveryFailed):
        return error
    if not isinstance(error, SlackApiError):
        return _unsent(error)
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    data = data_of(getattr(response, "data", None))
    said = data.get("error")
    is_verdict = data.get("ok") is False and isinstance(said, str) and bool(said)
    reason = str(said) if is_verdict else f"http_{status}"
    wish = retry_after(getattr(response, "headers", {}))
    if status == 429 or reason in {"ratelimited", "rate_limited"}:
        return PutOff(RATE_LIMITED, wish or LATER)
    method = str(getattr(response, "api_url", "")).rpartition("/")[2]
    if status >= 500 and wish is not None and method not in ONCE:
        return PutOff(reason, wish)
    if (about_us := lockout(reason, data, method)) is not None:
        return about_us
    if not is_verdict:
        return Unanswered(reason, wish or SOON, SETTLES_WITHIN)
    if status >= 500 or reason in UNCERTAIN:
        return Unanswered(reason, wish or SOON, ENDED)
    if reason in OF_THE_PLACE:
        return Shut(reason)
    if reason in FINAL:
        return DeliveryFailed(reason, None)
    return (DeliveryFailed if reason in PASSING else Unfamiliar)(reason, LATER)


def _unsent(error: BaseException) -> DeliveryFailed:
    """What no answer at all means: where there was no connection, nothing was sent."""
    reason = str(why(error))
    if isinstance(error, (aiohttp.ClientConnectorError, SlackClientError)):
        return DeliveryFailed(reason, SOON)
    return Unanswered(reason, SOON, SETTLES_WITHIN)
