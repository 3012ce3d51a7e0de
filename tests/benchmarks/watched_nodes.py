"""The counterparts of a bot that follows many machines: a DBC daemon with nodes, and a Slack.

Both answer from prepared bytes, so that one process is hardly busy with them. Its machines are
being created; once told to, one after the other comes to run. What is wanted of it is read from
standard input as JSON, and the last line that it writes says what it has seen.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from time import monotonic

from aiohttp import web

QUIET, BEGIN, CALM, END = "quiet", "begin", "calm", "end"
_CREATED = "2026-03-01 09:30:12"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The machines of each node, by the node's id; how many machines a second come to run."""

    nodes: dict[str, list[str]]
    changes: float


@dataclass(slots=True)
class Saw:
    """Moments in seconds: looks by node; when a machine came to run, and when that was told."""

    quiet: float = 0.0
    begun: float = 0.0
    calmed: float = 0.0
    ended: float = 0.0
    looks: dict[str, list[float]] = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    others: int = 0


class Peers:
    """Answers every call, and remembers when each node was asked for its list."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._states = {task: "creating" for tasks in wanted.nodes.values() for task in tasks}
        self._lists = {node: self._list(node) for node in wanted.nodes}
        self._nodes = _answer(
            [{"node_id": node, "name": f"gpu{n}"} for n, node in enumerate(wanted.nodes)]
        )
        self._posted = 0
        self.saw = Saw(looks={node: [] for node in wanted.nodes})

    def app(self) -> web.Application:
        """Both, under one port."""
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/api/v1/tasks", self._tasks)
        app.router.add_post("/api/v1/mining_nodes", self._mining_nodes)
        app.router.add_post("/api/v1/{anything:.*}", self._nothing)
        app.router.add_post("/slack/chat.postMessage", self._post)
        app.router.add_post("/slack/{method}", self._slack)
        return app

    async def change(self) -> None:
        """Let machines come to run, taking a node after the other."""
        self.saw.begun = monotonic()
        lists = [iter(tasks) for tasks in self._wanted.nodes.values()]
        while self._wanted.changes and lists:
            for node, tasks in zip(self._wanted.nodes, list(lists), strict=False):
                await asyncio.sleep(1 / self._wanted.changes)
                task = next(tasks)
                self._states[task] = "running"
                self._lists[node] = self._list(node)
                self.saw.changed[task] = monotonic()

    def _list(self, node: str) -> bytes:
        return _answer(
            [
                {"task_id": task, "create_time": _CREATED, "desc": f"job {number}",
                 "status": self._states[task]}
                for number, task in enumerate(self._wanted.nodes[node])
            ]
        )  # fmt: skip

    async def _tasks(self, request: web.Request) -> web.Response:
        (node,) = (await request.json())["peer_nodes_list"]
        self.saw.looks[node].append(monotonic())
        return _json(self._lists[node])

    async def _mining_nodes(self, _request: web.Request) -> web.Response:
        return _json(self._nodes)

    async def _nothing(self, _request: web.Request) -> web.Response:
        self.saw.others += 1
        return _json(_answer([]))

    async def _post(self, request: web.Request) -> web.Response:
        message = await request.json()
        kind, _, execution = message["metadata"]["event_payload"]["key"].partition(":")
        if kind == "end":
            self.saw.told.setdefault(execution, monotonic())
        self._posted += 1
        ts = f"1770000000.{self._posted:06}"
        return web.json_response({"ok": True, "channel": message["channel"], "ts": ts})

    async def _slack(self, _request: web.Request) -> web.Response:
        who = {"team_id": "T0BENCH", "user_id": "U0BOT", "bot_id": "B0BOT"}
        return web.json_response({"ok": True, **who, "usergroups": [], "messages": []})


def _answer(message: object) -> bytes:
    return json.dumps({"errcode": 0, "message": message}).encode()


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def main() -> None:
    """Serve; change machines from the second word to the third, and end with the fourth."""
    peers = Peers(Wanted(**json.loads(sys.stdin.readline())))
    runner = web.AppRunner(peers.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201 - this is how we are reached
    changing: asyncio.Task[None] | None = None
    while (told := (await asyncio.to_thread(sys.stdin.readline)).strip()) != END:
        if told == QUIET:
            peers.saw.quiet = monotonic()
        elif told == BEGIN:
            changing = asyncio.create_task(peers.change())
        elif changing is not None:
            changing.cancel()
            peers.saw.calmed = monotonic()
    peers.saw.ended = monotonic()
    print(json.dumps(asdict(peers.saw)), flush=True)  # noqa: T201 - this is what is measured
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
