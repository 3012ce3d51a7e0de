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

from bot.cli.findings import Finding, fault, ok, warning
from bot.cli.named import Named
from bot.config import Settings
from bot.ids import UserId
from bot.plural import counted
from bot.ports import DeliveryFailed, LockedOut
from handlers.connection import FAILING, UNREACHABLE, data_of, failure, proxy_for, sdk_logger
from handlers.manifest import SCOPES
from handlers.refusals import OPENS_SOCKET, granted
from handlers.tries import cause
from storage import is_claimed

_PATIENCE = 10  # seconds
_SKEW_TOLD, _SKEW_FATAL = timedelta(seconds=30), timedelta(minutes=5)
_MOST = 50  # people or channels that are asked for; Slack allows so many calls a minute


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
            async for found in self._rules():
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

    async def _rules(self) -> AsyncIterator[Finding]:
        """Whether everybody and every channel that the rules name is there."""
        named = self._named
        if named.channels:
            yield await self._channels()
        if named.persons:
            async for found in self._people():
                yield found
        if named.groups:
            yield await self._groups()

    async def _channels(self) -> Finding:
        absent = []
        for channel in sorted(self._named.channels)[:_MOST]:
            try:
                await self._read("conversations.history", channel=channel, limit=1)
            except LockedOut:
                continue  # the scopes are told by themselves
            except DeliveryFailed as failed:
                absent.append(f"{channel} ({failed.reason})")
        if absent:
            listed = ", ".join(absent)
            return warning("channels", f"The rules name channels where the bot is not: {listed}.",
                           "Invite it there with /invite.")  # fmt: skip
        many = counted(len(self._named.channels), "channel")
        return ok("channels", f"The bot is in {many} that the rules name.")

    async def _people(self) -> AsyncIterator[Finding]:
        named = self._named
        why = {
            person: await self._why_not(UserId(person)) for person in sorted(named.persons)[:_MOST]
        }
        gone = {person for person, reason in why.items() if reason}
        for rule, (persons, approvals) in named.approvers.items():
            if len(persons - gone) < approvals:
                yield fault("rules", f"Nobody can approve by “{rule}”: too few of its approvers "
                            "can act.", "Name others in `approvers`.")  # fmt: skip
        if gone:
            listed = ", ".join(f"{person} ({why[person]})" for person in sorted(gone))
            yield warning("people", f"The rules name people who cannot act: {listed}.",
                          "Take them out of the rules, or correct the ids.")  # fmt: skip
        else:
            many = counted(len(named.persons), "person", "people")
            yield ok("people", f"All there: {many} that the rules name.")

    async def _why_not(self, person: UserId) -> str:
        """Why somebody cannot act; nothing where they can, or where Slack does not say now."""
        try:
            found = (await self._read("users.info", user=person)).data.get("user")
        except DeliveryFailed as failed:
            return failed.reason if failed.retry_after is None else ""
        who = found if isinstance(found, dict) else {}
        barred = ("deleted", "is_bot", "is_restricted")
        return next((name for name in barred if who.get(name)), "")

    async def _groups(self) -> Finding:
        try:
            said = await self._read("usergroups.list", include_disabled="true")
        except DeliveryFailed as failed:
            return warning("user groups", f"They cannot be listed: {failed.reason}.",
                           "Rules about them deny until they can.")  # fmt: skip
        listed = said.data.get("usergroups")
        rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        active = {one.get("id") for one in rows if not one.get("date_delete")}
        gone = sorted(self._named.groups - active)
        if gone:
            return warning("user groups", f"Gone or disabled: {', '.join(gone)}.",
                           "Take them out of the rules, or correct the ids.")  # fmt: skip
        many = counted(len(self._named.groups), "group")
        return ok("user groups", f"All there: {many} that the rules name.")

    async def _read(self, method: str, **given: object) -> _Said:
        return await self._ask(method, self._settings.slack_bot_token.get_secret_value(), **given)


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
    apart = datetime.now(UTC) - theirs
    seconds = round(abs(apart.total_seconds()))
    way = "ahead of" if apart > timedelta() else "behind"
    told = f"This machine's clock is {seconds} s {way} Slack's."
    if abs(apart) >= _SKEW_FATAL:
        return fault("clock", told, "Set it by NTP: in HTTP mode every signature is refused.")
    if abs(apart) >= _SKEW_TOLD:
        return warning("clock", told, "Set it by NTP.")
    return ok("clock", "It agrees with Slack's.")
