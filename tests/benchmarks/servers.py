"""The servers under measurement, each run in a process of its own.

`python -m tests.benchmarks.servers NAME DATA` reads the peers' room from standard input, serves
until that is closed, and says its port on standard output.
"""

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot import log, loop
from bot.app import Bot
from bot.config import Settings
from bot.ids import NodeId, UserId
from bot.model import DbcSession
from bot.services.credential_keys import vault_of
from storage import Store
from tests.benchmarks.peers import Room

PATH = "/slack/events"
Server = Callable[[Room, Path], AbstractAsyncContextManager[int]]


@asynccontextmanager
async def bot(room: Room, data: Path) -> AsyncIterator[int]:
    """The real bot on a SQLite file, its log written to a file; its user holds a session."""
    settings = settings_between(
        room.bot_token, room.signing_secret, room.api_url, room.dbc_url, data
    )
    log.configure("json", "info")
    await _give_session(settings, room)
    bot = Bot(settings)
    await bot.start()
    gc.collect()
    gc.freeze()  # as bot.app.run does
    try:
        yield bot.edge.port
    finally:
        await bot.stop()


@asynccontextmanager
async def bolt(room: Room, _data: Path) -> AsyncIterator[int]:
    """A bare Bolt app that acknowledges and does nothing else, with Bolt's default runner."""
    async with _bare_bolt(room, process_before_response=False) as port:
        yield port


@asynccontextmanager
async def bolt_before(room: Room, _data: Path) -> AsyncIterator[int]:
    """The same with process_before_response."""
    async with _bare_bolt(room, process_before_response=True) as port:
        yield port


@asynccontextmanager
async def signature(room: Room, _data: Path) -> AsyncIterator[int]:
    """A bare aiohttp handler that only checks Slack's signature, with the SDK's verifier."""
    verifier = SignatureVerifier(room.signing_secret)

    async def receive(request: web.Request) -> web.Response:
        if not verifier.is_valid_request(await request.read(), dict(request.headers)):
            return web.Response(status=401)
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, receive)
    async with _served(app) as port:
        yield port


SERVERS: dict[str, Server] = {
    "bot": bot,
    "bolt": bolt,
    "bolt-before": bolt_before,
    "signature": signature,
}


def settings_between(token: str, secret: str, slack: str, daemon: str, data: Path) -> Settings:
    """The settings of a bot between these peers, in HTTP mode, whatever the environment says."""
    given: dict[str, Any] = {
        "slack_bot_token": token,
        "slack_app_token": None,
        "slack_signing_secret": secret,
        "slack_api_url": slack,
        "dbc_client_urls": daemon,
        "database_url": f"sqlite+aiosqlite:///{data}/bot.db",
        "credential_keys": (),
        "http_port": 0,
    }
    return Settings(_env_file=None, **given)


async def _give_session(settings: Settings, room: Room) -> None:
    store = Store(settings.database_url, vault_of(settings, may_make=True))
    await store.migrate()
    session = DbcSession(
        UserId(room.user), NodeId(room.node), *room.session, added_at=datetime.now(UTC)
    )
    async with store.write() as tx:
        await tx.sessions.put(session)
    await store.close()


@asynccontextmanager
async def _bare_bolt(room: Room, *, process_before_response: bool) -> AsyncIterator[int]:
    app = AsyncApp(
        client=AsyncWebClient(room.bot_token, base_url=room.api_url),
        signing_secret=room.signing_secret,
        process_before_response=process_before_response,
    )

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    app.command("/dbc")(acknowledge)
    async with _served(app.web_app(PATH)) as port:
        yield port


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    # Without an access log, as the bot serves.
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def main(name: str, data: Path) -> None:
    """Serve until standard input is closed."""
    room = Room(**json.loads(sys.stdin.readline()))
    async with SERVERS[name](room, data) as port:
        print(port, flush=True)  # noqa: T201 - this is how we are reached
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    serving = main(sys.argv[1], Path(sys.argv[2]))
    if sys.argv[1] == "bot":  # the others stand for what a Bolt app is by itself
        loop.run(serving)
    else:
        asyncio.run(serving)
