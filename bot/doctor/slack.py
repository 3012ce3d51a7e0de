"""The doctor's look at Slack: each token by itself, scopes, the way in, clocks, and who is named.

Calls methods that read, without retries; it sends nothing, and takes no delivery.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.addresses import place_of
from bot.config import Settings
from bot.doctor.in_slack import named_in_slack
from bot.doctor.listening import is_any_bot_there
from bot.doctor.named import Named
from bot.monitoring.findings import Finding, Findings, Sight, fault, ok, warning
from bot.ports import DeliveryFailed, LockedOut
from bot.reply import Text, say
from handlers.addresses import proxy_for
from handlers.connection import FAILING, UNREACHABLE, data_of, failure, sdk_logger
from handlers.refusals import OPENS_SOCKET, granted
from handlers.scopes import SCOPES
from handlers.tries import advice, cause, trouble
from storage import is_claimed

_PATIENCE = 10  # seconds
_SKEW_TOLD, _SKEW_FATAL = timedelta(seconds=30), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Said:
    data: Mapping[str, Any]
    headers: Mapping[str, str]


class SlackCheck:
    """Looks at everything that needs Slack, with these settings, and whom the rules name."""

    def __init__(self, settings: Settings, named: Named, sight: Sight) -> None:
        self._settings = settings
        self._sight = sight
        self._named = named

    async def findings(self) -> Findings:
        """All that there is to tell; what needs a good token is left out without one."""
        try:
            who = await self._ask("auth.test", self._settings.slack_bot_token.get_secret_value())
        except DeliveryFailed as failed:
            yield self._unanswered(say("bot token"), failed, "SLACK_BOT_TOKEN")
            is_good = False
        else:
            name, team = (str(who.data.get(key) or "") for key in ("user", "team"))
            yield ok(say("bot token"), say("{user} in {team}.", user=name, team=team))
            yield _scopes(who.headers)
            yield _clock(who.headers)
            is_good = True
        async for found in self._way_in():
            yield found
        if is_good:
            async for found in named_in_slack(self._named, self._read):
                yield found

    async def _ask(self, method: str, token: str, **given: object) -> _Said:
        """Call a method that reads, once. Raises DeliveryFailed."""
        client = AsyncWebClient(
            token=token, base_url=self._settings.slack_api_url, timeout=_PATIENCE,
            logger=sdk_logger(), retry_handlers=[],
        )  # fmt: skip
        client.proxy = proxy_for(self._settings.slack_api_url)
        try:
            if method in {"auth.test", OPENS_SOCKET}:
                answer = await client.api_call(method)
            else:
                answer = await client.api_call(method, http_verb="GET", params=given)
        except FAILING as error:
            raise failure(error) from error
        return _Said(data_of(answer.data), {k.lower(): str(v) for k, v in answer.headers.items()})

    def _unanswered(self, about: Text, failed: DeliveryFailed, setting: str) -> Finding:
        if isinstance(failed, LockedOut):
            return fault(about, failed.sentence)
        told = trouble(failed, place_of(self._settings.slack_api_url), setting)
        return fault(about, told, advice(failed, self._settings.slack_api_url))

    async def _way_in(self) -> Findings:
        token = self._settings.slack_app_token
        if token is None:
            where = f"{self._settings.http_host}:{self._settings.http_port}"
            served = say("Slack's requests are served on {where}/slack/events.",
                where=where if self._sight.is_local else "…")  # fmt: skip
            yield ok(say("HTTP mode"), served)
            return
        try:
            opened = await self._ask(OPENS_SOCKET, token.get_secret_value())
        except DeliveryFailed as failed:
            yield self._unanswered(say("app token"), failed, "SLACK_APP_TOKEN")
            return
        yield ok(say("app token"), say("Slack gives a Socket Mode address for it."))
        file = self._settings.sqlite_file
        if not self._sight.is_local:
            return  # the bot that runs says itself how its connection is
        may_run = file is None or is_claimed(file) is not False
        if may_run or await is_any_bot_there(self._settings):
            # Slack spreads deliveries over all connections: ours would take some from the bot.
            told = say("Not tried, since a bot may be running; /readyz tells of it.")
            yield ok("Socket Mode", told)
            return
        yield await self._handshake(str(opened.data.get("url")))

    async def _handshake(self, url: str) -> Finding:
        host = urlsplit(url).hostname
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                aiohttp.ClientSession() as http,
                http.ws_connect(url, proxy=proxy_for(url.replace("ws", "http", 1))) as ws,
            ):
                hello = await ws.receive_json()
        except (*UNREACHABLE, TypeError, ValueError) as error:
            why = cause(failure(error))
            told = say("No connection to {host}: {why}.", host=host or "", why=why)
            return fault("Socket Mode", told, say("WebSockets to Slack have to be let through."))
        if not isinstance(hello, dict) or hello.get("type") != "hello":
            return fault(
                "Socket Mode", say("{host} does not greet the bot.", host=host or ""),
                say("Is Socket Mode enabled in the app's settings?"),
            )  # fmt: skip
        return ok("Socket Mode", say("{host} greets the bot.", host=host or ""))

    async def _read(self, method: str, **given: object) -> Mapping[str, Any]:
        token = self._settings.slack_bot_token.get_secret_value()
        return (await self._ask(method, token, **given)).data


def _scopes(headers: Mapping[str, str]) -> Finding:
    told, about = headers.get("x-oauth-scopes"), say("scopes")
    if told is None:
        return warning(about, say("Slack does not say which scopes the bot token has."))
    missing = sorted(set(SCOPES) - granted(told))
    if missing:
        return fault(
            about, say("The bot token lacks {scopes}.", scopes=", ".join(missing)),
            say("Add them under OAuth & Permissions and reinstall the app."),
        )  # fmt: skip
    return ok(about, say("All {count} that the bot uses.", count=len(SCOPES)))


def _clock(headers: Mapping[str, str]) -> Finding:
    about = say("clock")
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return warning(about, say("Slack's answer has no date to compare with."))
    # "-0000" says no more than that it is UTC.
    apart = datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    seconds = round(abs(apart.total_seconds()))
    told = say("This machine's clock is {seconds} s behind Slack's.", seconds=seconds)
    if apart > timedelta():
        told = say("This machine's clock is {seconds} s ahead of Slack's.", seconds=seconds)
    if abs(apart) >= _SKEW_FATAL:
        refused = say("Set it by NTP: in HTTP mode every signature is refused.")
        return fault(about, told, refused)
    if abs(apart) >= _SKEW_TOLD:
        return warning(about, told, say("Set it by NTP."))
    return ok(about, say("It agrees with Slack's."))
