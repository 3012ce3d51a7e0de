"""The bot's two peers in a process of their own: a sandbox Slack and a sandbox DBC daemon.

Says on standard output, as one line of JSON, how to reach them and who may do what there.
"""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta

from aiohttp import web

from sandbox.dbc import Daemon, RunningClock, World
from sandbox.dbc.demo import demo_renter, demo_world
from sandbox.dbc.task import Libvirt, Status
from sandbox.dbc.worker import Durations
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
    tasks: tuple[str, ...] = ()  # the machines of that node


@dataclass(frozen=True, slots=True)
class Ticket:
    """What Slack gives with one slash command typed."""

    trigger_id: str
    response_url: str


def _world(machines: int) -> World:
    """The demo's machine room; with a number, one node with so many machines that are off."""
    clock = RunningClock()
    if not machines:
        return demo_world(clock)
    world = World(clock)
    node = world.add_node("gpu1", images={"ubuntu.qcow2": 1})
    node.rent(demo_renter())
    for number in range(machines):
        ports = {"ssh_port": 5684 + number, "vnc_port": 15_000 + number}
        task = node.running_task(
            demo_renter(), image_name="ubuntu.qcow2", cpu_cores=1, memory=1, **ports
        )
        task.status = Status.CLOSED
        if task.domain is not None:
            task.domain.state = Libvirt.SHUT_OFF
    node.durations = Durations(start=timedelta(seconds=0.01))
    clock.advance(timedelta(seconds=30))  # the daemon has learnt of it
    return world


async def main(machines: int) -> None:
    """Serve until standard input is closed."""
    world = _world(machines)
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

    async def calls(_: web.Request) -> web.Response:
        return web.json_response(Counter(call.method for call in ws.calls))

    ws.app.router.add_get("/benchmark/calls", calls)
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
            tasks=tuple(gpu1.tasks),
        )
        print(json.dumps(asdict(room)), flush=True)  # noqa: T201 - this is how we are reached
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 0))
