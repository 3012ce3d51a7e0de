"""The doctor's look at Slack: each token by itself, scopes, the way in, clocks, and who is named.

Calls methods that read, without retries; it sends nothing, and takes no delivery.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cli.doctor_named import named_in_slack
from bot.cli.findings import Finding, fault, ok, warning
from bot.cli.named import Named
from bot.config import Settings
from bot.ports import DeliveryFailed, LockedOut
from handlers.connection import FAILING, UNREACHABLE, data_of, failure, proxy_for, sdk_logger
from handlers.manifest import SCOPES
from handlers.refusals import OPENS_SOCKET, granted
from handlers.tries import cause
from storage import is_claimed

_PATIENCE = 10  # seconds
_SKEW_TOLD, _SKEW_FATAL = timedelta(seconds=30), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Said:
    data: Mapping[str, Any]
    headers: Mapping[str, str]


class SlackCheck:
    """Looks at everything that needs Slack, with these settings, and whom the rules name."""

    def __init__(self, settings: Settings, named: Named) -> None:
        self._settings = settings
        self._named = named

    async def findings(self) -> AsyncIterator[Finding]:
        """All that there is to tell; what needs a good token is left out without one."""
        try:
            who = await self._ask("auth.test", self._settings.slack_bot_token.get_secret_value())
        except DeliveryFailed as failed:
            yield self._unanswered("bot token", failed, "SLACK_BOT_TOKEN")
            is_good = False
        else:
            yield ok("bot token", f"{who.data.get('user')} in {who.data.get('team')}.")
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

    def _unanswered(self, about: str, failed: DeliveryFailed, setting: str) -> Finding:
        if isinstance(failed, LockedOut):
            return fault(about, failed.sentence)
        host = urlsplit(self._settings.slack_api_url).hostname
        advice = "Check the network, the proxy, and status.slack.com."
        return fault(about, f"Cannot reach Slack ({host}) with {setting}: {cause(failed)}.", advice)

    async def _way_in(self) -> AsyncIterator[Finding]:
        token = self._settings.slack_app_token
        if token is None:
            where = f"{self._settings.http_host}:{self._settings.http_port}"
            yield ok("HTTP mode", f"Slack's requests are served on {where}/slack/events.")
            return
        try:
            opened = await self._ask(OPENS_SOCKET, token.get_secret_value())
        except DeliveryFailed as failed:
            yield self._unanswered("app token", failed, "SLACK_APP_TOKEN")
            return
        yield ok("app token", "Slack gives a Socket Mode address for it.")
        file = self._settings.sqlite_file
        if file is None or is_claimed(file) is not False:
            # Slack spreads deliveries over all connections: ours would take some from the bot.
            yield ok("Socket Mode", "Not tried, since a bot may be running; /readyz tells of it.")
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
            told = f"No connection to {host}: {cause(failure(error))}."
            return fault("Socket Mode", told, "WebSockets to Slack have to be let through.")
        if not isinstance(hello, dict) or hello.get("type") != "hello":
            return fault("Socket Mode", f"{host} does not greet the bot.",
                         "Is Socket Mode enabled in the app's settings?")  # fmt: skip
        return ok("Socket Mode", f"{host} greets the bot.")

    async def _read(self, method: str, **given: object) -> Mapping[str, Any]:
        token = self._settings.slack_bot_token.get_secret_value()
        return (await self._ask(method, token, **given)).data


def _scopes(headers: Mapping[str, str]) -> Finding:
    told = headers.get("x-oauth-scopes")
    if told is None:
        return warning("scopes", "Slack does not say which scopes the bot token has.")
    missing = sorted(set(SCOPES) - granted(told))
    if missing:
        return fault("scopes", f"The bot token lacks {', '.join(missing)}.",
                     "Add them under OAuth & Permissions and reinstall the app.")  # fmt: skip
    return ok("scopes", f"All {len(SCOPES)} that the bot uses.")


def _clock(headers: Mapping[str, str]) -> Finding:
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return warning("clock", "Slack's answer has no date to compare with.")
    # "-0000" says no more than that it is UTC.
    apart = datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    seconds = round(abs(apart.total_seconds()))
    way = "ahead of" if apart > timedelta() else "behind"
    told = f"This machine's clock is {seconds} s {way} Slack's."
    if abs(apart) >= _SKEW_FATAL:
        return fault("clock", told, "Set it by NTP: in HTTP mode every signature is refused.")
    if abs(apart) >= _SKEW_TOLD:
        return warning("clock", told, "Set it by NTP.")
    return ok("clock", "It agrees with Slack's.")
