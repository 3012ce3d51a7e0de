"""The demo: a sandbox DBC daemon, a sandbox Slack with its page, and the real bot between them."""

import asyncio
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from aiohttp import web

from sandbox.chain import RpcNode
from sandbox.chain_control import ChainControl
from sandbox.dbc import Daemon, RunningClock, World, control_app, demo_world
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.worker import Durations
from sandbox.demo_chain import demo_chain
from sandbox.seed import credentials, seed
from sandbox.slack import Workspace
from sandbox.slack.bot_process import BotProcess
from sandbox.slack.control import add_control

PORT = 3100
ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "manifest.json"
# Long enough to watch, and to kill the bot in the middle of it; shorter than on real nodes.
UNHURRIED = Durations(
    define=timedelta(seconds=12),
    lease=timedelta(seconds=50),
    password=timedelta(seconds=30),
    start=timedelta(seconds=24),
    shutdown=timedelta(seconds=12),
    poweroff=timedelta(seconds=12),
    restart=timedelta(seconds=24),
    reset=timedelta(seconds=12),
    delete=timedelta(seconds=16),
    resize=timedelta(seconds=8),
    add=timedelta(seconds=8),
    detach=timedelta(seconds=8),
    convert=timedelta(seconds=16),
)
# The bot has to import, migrate its database and connect (seconds).
START = 60.0
# The bot's own default in HTTP mode.
REQUEST_URL = "http://127.0.0.1:3000/slack/events"
OF_THE_DEMO = "# Of the sandbox's demo, which writes it at every start."
TRY = (
    ("/dbc vm list", "every machine of every node in one look"),
    ("/dbc vm create", "a form, one message to follow, and a word when it runs"),
    ("/dbc vm delete inference", "asks Bob, who approves it with one click"),
    ("/dbc order list", "one rental has to be confirmed in minutes, one ends in hours"),
)


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    port: int
    dbc_port: int
    speed: float
    with_bot: bool
    over_http: bool
    data: Path
    rules: Path | None


@click.command()
@click.option("--port", default=PORT, show_default=True, help="Port of the page and of Slack.")
@click.option("--dbc-port", default=5050, show_default=True, help="Port of the DBC daemon.")
@click.option("--speed", default=4.0, show_default=True, help="How fast the machines work.")
@click.option("--no-bot", is_flag=True, help="Only the two servers, for a bot of your own.")
@click.option("--http", is_flag=True, help="Deliver over HTTP to port 3000, not Socket Mode.")
@click.option(
    "--data",
    default=None,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the bot keeps its data; by default data/demo (data/demo-PORT with another --port), "
    "emptied at every start, since the sandbox Slack forgets everything, too.",
)
@click.option(
    "--rules",
    envvar="POLICY_FILE",
    default="",
    help="A file of rules for the bot (or set POLICY_FILE), like sandbox/demo-rules.toml.",
)
def main(
    port: int,
    dbc_port: int,
    speed: float,
    no_bot: bool,
    http: bool,
    data: Path | None,
    rules: str,
) -> None:
    """Try the bot in the browser, without accounts: Ctrl-C ends everything."""
    rules_file = _file(rules)
    with contextlib.ExitStack() as held:
        if data is None and no_bot:
            data = Path("data/sandbox")  # of a bot of their own, which nothing here empties
        elif data is None:
            data = Path("data/demo" if port in {0, PORT} else f"data/demo-{port}")
            held.enter_context(_claimed(data))
            if not _is_taken(port):
                shutil.rmtree(data, ignore_errors=True)
        options = Options(port, dbc_port, speed, not no_bot, http, data, rules_file)
        try:
            asyncio.run(demo(options))
        except OSError as error:
            told = f"{error}. Is a port taken? See --port, --dbc-port."
            raise click.ClickException(told) from error


@contextlib.contextmanager
def _claimed(data: Path) -> Iterator[None]:
    """Keep other demos from this directory, which each empties at its start."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with data.with_name(f"{data.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"Another demo has its data in {data}. End it, or give this one a directory of "
                "its own: --data DIRECTORY, with --port and --dbc-port."
            ) from None
        yield


def _file(typed: str) -> Path | None:
    """The file that is meant where the person stands: the bot runs elsewhere."""
    if not typed:
        return None
    path = Path(typed).resolve()
    if path.is_file():
        return path
    what = "is not a file" if path.exists() else "does not exist"
    raise click.ClickException(f"{path} {what} (POLICY_FILE={typed}).")


def _is_taken(port: int) -> bool:
    """Whether something listens on the page's port already."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def demo(options: Options) -> None:
    """Run until interrupted."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    world = demo_world(RunningClock(options.speed))
    for node in world.nodes.values():
        node.durations = UNHURRIED
    async with Daemon(world, options.dbc_port) as daemon, Demo(world, daemon, options) as demo_:
        opening = asyncio.create_task(demo_.open())
        waiting = asyncio.create_task(interrupted.wait())
        await asyncio.wait([opening, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
        await asyncio.gather(opening, return_exceptions=interrupted.is_set())
        await waiting
        click.echo("\nEnding.")


class Demo:
    """The workspace and the bot, started, seeded, watched, ended."""

    def __init__(self, world: World, daemon: Daemon, options: Options) -> None:
        manifest = json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else None
        self.ws = Workspace(port=options.port, manifest=manifest)
        self.ws.limits.strict = True
        self.ws.add_usergroup("leads", "alice", "bob", "carol", group_id="S0LEADS")
        # In its data directory the bot finds no .env of somebody's real workspace.
        self.bot = BotProcess(self._inherited, self._on_exit, directory=options.data.resolve())
        self._world = world
        self._daemon = daemon
        # The bot counts by the machine's own clock, which the demo does not hurry along.
        chain = demo_chain(world, RunningClock())
        # Two of them, so that they can contradict each other.
        self._chain = [RpcNode(chain), RpcNode(chain)]
        self._options = options
        add_control(self.ws)
        self.ws.app.router.add_post("/control/bot/start", self._start_again)
        self.ws.app.add_subapp("/dbc-control/", control_app(world, demo_renter(), [daemon]))
        levers = ChainControl(chain, self._chain, world, demo_renter().address)
        self.ws.app.add_subapp("/chain-control/", levers.application())

    async def __aenter__(self) -> Self:
        await self.ws.start()
        for node in self._chain:
            await node.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.bot.stop()
        for node in self._chain:
            await node.__aexit__(kind, error, trace)
        await self.ws.stop()

    async def open(self) -> None:
        """Start the bot, prepare the demo, say where to click."""
        if not self._options.with_bot:
            await self._connect_over_http()
            self._say_what_to_set()
            return
        self._options.data.mkdir(parents=True, exist_ok=True)
        self._write_settings()
        await self.bot.start()
        if not await self._is_connected():
            click.echo("The bot is not connected; its log above says why.", err=True)
            return
        for problem in await seed(self.ws, self._world):
            click.echo(f"Not prepared: {problem}", err=True)
        self._say_what_to_try()

    async def _is_connected(self) -> bool:
        """Whether the bot got through before it died or START was over."""
        ws, bot = self.ws, self.bot
        if self._options.over_http:
            with contextlib.suppress(TimeoutError):
                await ws.until(lambda: ws.calls_of("auth.test") or not bot.running, START)
            return bot.running and await self._connect_over_http()
        try:
            await ws.until(lambda: ws.connected or not bot.running, START)
        except TimeoutError:
            return False
        return ws.connected

    async def _connect_over_http(self) -> bool:
        """Deliver to the bot's own port; tried for a while, since it first has to listen there."""
        if not self._options.over_http:
            return False
        for _ in range(20):
            if await self.ws.use_http(REQUEST_URL):
                return True
            await asyncio.sleep(0.5)
        return False

    def _inherited(self) -> dict[str, str]:
        """The bot's whole environment: ours without any Slack, and what this sandbox sets."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "POLICY_"))}
        return ours | {"PYTHONPATH": str(ROOT)} | self._environment()

    def _environment(self) -> dict[str, str]:
        database = (self._options.data / "dbc-bot.db").resolve()
        chosen = {} if self._options.over_http else {"SLACK_APP_TOKEN": self.ws.app_token}
        if self._options.rules:
            chosen["POLICY_FILE"] = str(self._options.rules)
        return chosen | {
            "SLACK_BOT_TOKEN": self.ws.bot_token,
            "SLACK_SIGNING_SECRET": self.ws.signing_secret,
            "SLACK_API_URL": self.ws.api_url,
            "DBC_CLIENT_URLS": self._daemon.url,
            "CHAIN_RPC_URLS": ",".join(node.url for node in self._chain),
            "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        }

    def _write_settings(self) -> None:
        """Leave the settings to the commands of the bot that somebody runs beside it.

        Somebody's own file is left as it is.
        """
        file = self._options.data / ".env"
        if file.exists() and not file.read_text(encoding="utf-8").startswith(OF_THE_DEMO):
            return
        lines = [OF_THE_DEMO, *(f"{name}={text}" for name, text in self._environment().items())]
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _on_exit(self, code: int) -> None:
        """Tell everybody; starting it again is theirs, so that one can watch what survives."""
        again = f"curl -X POST {self.ws.url}control/bot/start"
        sentence = f"The bot has stopped (exit code {code}). Start it again: {again}"
        click.echo(sentence, err=True)
        state = self.ws.core.state
        room = state.channel("gpu-ops")
        chinese = f"机器人已停止（退出码 {code}）。重新启动：{again}"
        for member in room.members:
            if member != state.bot.id:
                is_chinese = state.members[member].locale.startswith("zh")
                state.notify(member, room.id, chinese if is_chinese else sentence)

    async def _start_again(self, _request: web.Request) -> web.Response:
        if await self.bot.start():
            return web.json_response({"ok": True, "pid": self.bot.pid})
        return web.json_response({"ok": False, "error": "The bot is running."}, status=409)

    def _say_what_to_try(self) -> None:
        click.echo(f"\nOpen {self.ws.url} and try, as Alice, in #gpu-ops:")
        for line, meaning in TRY:
            click.echo(f"  {line:<26}{meaning}")
        click.echo(
            "An order ends when you like, is confirmed, is renewed: Orders on the chain, in the"
        )
        click.echo("side bar (docs/sandbox.md: the morning an order ends).")
        if self._options.rules:
            click.echo(f"Rules: {self._options.rules} (docs/policy.md says what to try).")
        for manager in self._world.managers.values():
            click.echo(f"The node key of {manager.name}, for metal add, modify and remove; sign a")
            click.echo("nonce with it (python -m bot sign --nonce --node-key), asked for as Key:")
            click.echo(f"  {manager.key.private_key.hex()}")
        click.echo(f"The bot is process {self.bot.pid}: kill it (kill -9) and see what survives.")
        there, root, python = map(shlex.quote, (str(self._options.data), str(ROOT), sys.executable))
        command = f"cd {there} && PYTHONPATH={root} {python} -m bot doctor"
        click.echo(f"Commands of the bot, beside it (its settings are in {there}/.env):")
        click.echo(f"  ({command})")
        click.echo("Ctrl-C ends everything.\n")

    def _say_what_to_set(self) -> None:
        click.echo(f"Slack is at {self.ws.url}; start a bot with:")
        for name, value in self._environment().items():
            click.echo(f"  {name}={value}")
        click.echo("\nThen, in Slack, /dbc session add with one of these (they open nothing else):")
        for credential in credentials(self._world):
            click.echo(f"  {credential.node:<8}{credential.node_id}")
            click.echo(f"    Session id:        {credential.session_id}")
            click.echo(f"    Session signature: {credential.session_id_sign}")


if __name__ == "__main__":
    main()
