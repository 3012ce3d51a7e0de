"""A bot as a child process that can be killed at any moment, between the sandbox servers."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.dbc import Daemon, RunningClock, World
from sandbox.dbc.demo import demo_renter, demo_world
from sandbox.slack import Person, Workspace
from storage.tables import UtcDateTime, dbc_sessions, metadata
from tests import forked, janitor
from tests.forked import ROOT, Forked
from tests.scenarios.stage import CHANNEL, MANIFEST

START = 40.0  # seconds; the machine may be busy


@dataclass
class Mortal:
    """The sandbox, and a bot in a process of its own. `start`, `kill`, look."""

    ws: Workspace
    world: World
    daemon: Daemon
    data: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    http: bool = False
    kills: int = 0
    _process: Forked | None = None

    @property
    def pid(self) -> int:
        """The bot's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        """What every bot of this sandbox has logged."""
        return self.data / "bot.log"

    async def start(self) -> None:
        """Start a bot and wait until Slack can reach it."""
        with self.log.open("ab") as log:
            file = log.fileno()
            self._process = forked.start(["run"], self.environment, self.data, file, file)
        if self.http:
            await self.logs('"listening"', START)
            said = self.log.read_text().splitlines()
            port = [json.loads(line)["port"] for line in said if '"listening"' in line][-1]
            assert await self.ws.use_http(f"http://127.0.0.1:{port}/slack/events")
        else:
            await self.ws.until(lambda: self.ws.connected, START)

    async def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is flushed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.kills += 1
        await self.ws.until(lambda: not self.ws.connected, START)

    async def end(self, within: float) -> int:
        """SIGTERM: it ends what it has begun, or leaves it for the next. Its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within):
            return await self._process.wait()

    def stand_still(self) -> None:
        """SIGSTOP: nothing is done any more, but the system goes on taking what is sent."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def restart(self, *, after: timedelta = timedelta()) -> None:
        """Kill it and start the next, `after` so long a time without a bot."""
        await self.kill()
        if after:
            self._is_down_for(after)
        await self.start()

    def _is_down_for(self, time: timedelta) -> None:
        """As if so much time had passed: every moment that is written down is longer ago by that.

        Not in the audit, which nobody reads to find out what is due, and which cannot be changed;
        nor when a session was added, by which reviews tell it from another.
        """
        past = f"-{time.total_seconds()} seconds"
        with closing(sqlite3.connect(self.data / "bot.db")) as connection, connection:
            for table in metadata.sorted_tables:
                dated = [c for c in table.c if isinstance(c.type, UtcDateTime)]
                moments = [c.name for c in dated if c is not dbc_sessions.c.added_at]
                moved = [f"{m} = strftime('%Y-%m-%d %H:%M:%f000', {m}, ?)" for m in moments]
                if moved:
                    said = f"UPDATE {table.name} SET {', '.join(moved)}"
                    connection.execute(said, [past] * len(moved))

    def hang_up(self) -> None:
        """SIGHUP: read the rules again."""
        os.kill(self.pid, signal.SIGHUP)

    async def logs(self, event: str, within: float = 20) -> None:
        """Wait until the bot has logged this event."""
        async with asyncio.timeout(within):
            while event not in self.log.read_text(errors="replace"):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End whatever runs."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def gives_session(self, person: Person, node: str) -> None:
        """`person` adds the session for a node, by the form."""
        await person.types(f"/dbc session add {node}", channel=CHANNEL)
        await person.sees_modal("Add a session", timeout=START)
        pair = self.world.node(node).session_for(demo_renter())
        await person.submits({"Session id": pair[0], "Session signature": pair[1]})
        await person.sees_modal(f"session for *{node}* works", timeout=START)
        await person.closes()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What stands in the bot's database."""
        with closing(sqlite3.connect(f"file:{self.data}/bot.db?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    async def comes_true(self, query: str, *values: object, within: float = 60) -> None:
        """Wait until a query of one number gives something else than 0."""
        async with asyncio.timeout(within):
            while not next(iter(self.rows(query, *values)[0].values())):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)

    def verified(self) -> None:
        """The audit's chain holds, as its own tool says."""
        done = forked.run(["audit", "verify"], self.environment, ROOT)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        """The bot's whole environment."""
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        return {
            **kept,
            **janitor.inherited(),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1,localhost",
            "SLACK_BOT_TOKEN": self.ws.bot_token,
            **self._way_in,
            "SLACK_API_URL": self.ws.api_url,
            "DBC_CLIENT_URLS": self.daemon.url,
            "DATABASE_URL": f"sqlite+aiosqlite:///{self.data}/bot.db",
            "LOG_FORMAT": "json",
            **self.extra,
        }

    @property
    def _way_in(self) -> dict[str, str]:
        if self.http:
            return {"SLACK_SIGNING_SECRET": self.ws.signing_secret, "HTTP_PORT": "0"}
        return {"SLACK_APP_TOKEN": self.ws.app_token}


@asynccontextmanager
async def mortal(
    data: Path,
    *,
    speed: float = 4,
    daemon_patience: float = 2,
    ack_seconds: float = 3,
    extra: Mapping[str, str] | None = None,
    http: bool = False,
) -> AsyncIterator[Mortal]:
    """A sandbox in real time (machines `speed` times as fast) with a bot that runs.

    `daemon_patience` is how long (seconds) the daemon waits for a node, `ack_seconds` how long
    Slack waits for the bot: more than it does in earnest where the machine may be busy.
    """
    world = demo_world(RunningClock(speed))
    async with (
        Workspace(manifest=MANIFEST, ack_seconds=ack_seconds) as ws,
        Daemon(world, timeout=daemon_patience) as daemon,
    ):
        one = Mortal(ws, world, daemon, data, extra or {}, http)
        try:
            await one.start()
            yield one
        finally:
            await one.stop()
