"""The bot's two peers in a process of their own: a sandbox Slack and a sandbox DBC daemon.

Says on standard output, as one line of JSON, how to reach them and who may do what there.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

from aiohttp import web

from sandbox.dbc import Daemon, RunningClock
from sandbox.dbc.demo import demo_renter, demo_world
from sandbox.slack import Workspace


@dataclass(frozen=True, slots=True)
class Room:
    """What the servers under measurement and the load need to know of the peers."""

    slack_url: str
    api_url: str
    bot_token: str
    signing_secret: str
    team: str
    user: str
    channel: str
    dbc_url: str
    node: str
    task: str
    session: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What Slack gives with one slash command typed."""

    trigger_id: str
    response_url: str


async def main() -> None:
    """Serve until standard input is closed."""
    world = demo_world(RunningClock())
    ws = Workspace(commands={"/dbc"})
    state = ws.core.state
    user, channel = state.member("alice"), state.channel("gpu-ops")

    async def tickets(request: web.Request) -> web.Response:
        made = []
        for _ in range(int(request.query["count"])):
            url = f"{ws.url}response/{state.new_response_url(user.id, channel.id)}"
            made.append(asdict(Ticket(state.new_trigger(user.id), url)))
        return web.json_response(made)

    async def answers(_: web.Request) -> web.Response:
        return web.json_response(sum(url.uses for url in state.response_urls.values()))

    ws.app.router.add_post("/benchmark/tickets", tickets)
    ws.app.router.add_get("/benchmark/answers", answers)
    async with ws, Daemon(world) as daemon:
        gpu1 = world.node("gpu1")
        room = Room(
            slack_url=ws.url,
            api_url=ws.api_url,
            bot_token=ws.bot_token,
            signing_secret=ws.signing_secret,
            team=state.team_id,
            user=user.id,
            channel=channel.id,
            dbc_url=daemon.url,
            node=gpu1.node_id,
            task=next(iter(gpu1.tasks)),
            session=gpu1.session_for(demo_renter()),
        )
        print(json.dumps(asdict(room)), flush=True)  # noqa: T201 - this is how we are reached
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
