from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config import Settings
from handlers.connection import SlackConnection
from handlers.edge import SlackEdge
from handlers.manifest import manifest
from handlers.socket_mode import Pace
from sandbox.slack import HandClock, Person, Workspace
from tests.handlers.scripted import ScriptedCore


@dataclass
class Office:
    """A workspace, the edge in it, and the core behind the edge."""

    ws: Workspace
    edge: SlackEdge
    core: ScriptedCore
    connection: SlackConnection
    settings: Settings
    clock: HandClock

    @property
    def alice(self) -> Person:
        return self.ws.member("alice")

    @property
    def bob(self) -> Person:
        return self.ws.member("bob")


def settings_for(ws: Workspace, *, socket_mode: bool) -> Settings:
    return Settings(
        slack_bot_token=SecretStr(ws.bot_token),
        slack_app_token=SecretStr(ws.app_token) if socket_mode else None,
        slack_signing_secret=None if socket_mode else SecretStr(ws.signing_secret),
        slack_api_url=ws.api_url,
        http_port=0,
    )


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


async def _office(*, socket_mode: bool, pace: Pace | None = None) -> AsyncIterator[Office]:
    clock = HandClock()
    async with Workspace(
        clock=clock,
        manifest=manifest("/dbc", socket_mode=socket_mode),
        ack_seconds=1.0,
        retry_delays=(0.0,),
    ) as ws:
        settings = settings_for(ws, socket_mode=socket_mode)
        connection = SlackConnection(settings)
        await connection.open()
        core = ScriptedCore()
        edge = SlackEdge(settings, core, clock, connection, pace)
        await edge.start()
        if not socket_mode:
            assert await ws.use_http(f"http://127.0.0.1:{edge.port}/slack/events")
        await edge.connected()
        yield Office(ws, edge, core, connection, settings, clock)
        await edge.stop()
        await connection.close()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """In Socket Mode."""
    async for office in _office(socket_mode=True):
        yield office


@pytest.fixture
async def hasty_office() -> AsyncIterator[Office]:
    """In Socket Mode, with a bot that soon gives up a connection that stays silent."""
    pace = Pace(
        handshake=timedelta(seconds=0.5),
        silence=timedelta(seconds=0.5),
        farewell=timedelta(seconds=0.5),
    )
    async for office in _office(socket_mode=True, pace=pace):
        yield office


@pytest.fixture
async def http_office() -> AsyncIterator[Office]:
    """In HTTP mode."""
    async for office in _office(socket_mode=False):
        yield office


@pytest.fixture(params=["socket", "http"])
async def any_office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """In one mode, then in the other."""
    async for office in _office(socket_mode=request.param == "socket"):
        yield office
