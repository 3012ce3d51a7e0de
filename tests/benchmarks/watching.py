"""What it costs to follow many machines: the real bot, a process of its own, for a while.

`python -m tests.benchmarks.watching` prints a row for each number of watches. What they mean:
docs/benchmarks.md.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import click
from cryptography.fernet import Fernet

from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import (
    DbcSession,
    Effect,
    Execution,
    ExecutionStatus,
    Goal,
    Node,
    Place,
    Source,
    Watch,
)
from storage import Store, Vault
from tests.benchmarks.watched_nodes import BEGIN, CALM, END, QUIET, Saw, Wanted

ROOT = Path(__file__).resolve().parents[2]
# The packages that the task gave: what any bot built on them imports.
GIVEN = ("slack_bolt.async_app", "aiohttp", "sqlalchemy.ext.asyncio", "aiosqlite", "apscheduler")
_USER = UserId("U0ALICE")
_CHANNELS = 20
_CHANGES = 2.0  # machines that come to run in a second
LEAD = 45.0  # seconds until looks have their steady pace
REST = 25.0  # seconds in which the last ends are told
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Watching:
    """What was measured.

    `share` of a core while machines change, `longest` seconds between two looks at a node, `told`
    the 99th percentile of the seconds from a change of state to its end being told (`ends` of
    `changes` were), `per_list` milliseconds of processor time per node list (all that the bot
    does, divided by the `looks`) while none changes; `memory` and `given` in MiB, the latter of a
    process that imports the five given packages.
    """

    watches: int
    nodes: int
    seconds: float
    looks: int
    share: float
    longest: float
    told: float
    ends: int
    changes: int
    per_list: float
    memory: float
    given: float


def watching(
    data: Path,
    watches: int,
    nodes: int,
    seconds: float,
    lead: float = LEAD,
    rest: float = REST,
) -> Watching:
    """Follow so many machines on so many nodes with one session, twice for so long.

    `lead` seconds before that are not measured, and after `rest` more no end is waited for.
    """
    data.mkdir(parents=True, exist_ok=True)
    names = {f"{n:064x}": [f"7a{n:04}x{m:05}{'kQ' * 5}" for m in range(watches // nodes)]
             for n in range(1, nodes + 1)}  # fmt: skip
    key = Fernet.generate_key().decode()
    url = f"sqlite+aiosqlite:///{data}/bot.db"
    asyncio.run(_seed(Store(url, Vault([key])), names))
    with ExitStack() as stack:
        peers = stack.enter_context(_peers(Wanted(names, _CHANGES if watches else 0.0)))
        port = int(_hear(peers))
        bot = stack.enter_context(_bot(data, url, key, port))
        time.sleep(lead)
        quiet = _window(peers, bot, QUIET, seconds)
        busy = _window(peers, bot, BEGIN, seconds)
        memory = _resident(bot.pid)
        _say(peers, CALM)
        time.sleep(rest)
        _say(peers, END)
        saw = Saw(**json.loads(_hear(peers)))
        if bot.poll() is not None:
            raise RuntimeError(f"the bot has ended: see {data}/bot.log")
    looks = sum(saw.quiet <= at < saw.begun for node in saw.looks.values() for at in node)
    return Watching(
        watches=watches,
        nodes=nodes,
        seconds=seconds,
        looks=looks,
        share=busy / seconds,
        longest=max((_longest(at, saw) for at in saw.looks.values()), default=0.0),
        told=_percentile(_delays(saw)),
        ends=len(saw.told),
        changes=len(saw.changed),
        per_list=quiet / looks * 1e3 if looks else 0.0,
        memory=memory,
        given=_given(),
    )


def _window(
    peers: "subprocess.Popen[str]", bot: "subprocess.Popen[bytes]", word: str, seconds: float
) -> float:
    """Seconds of processor time that the bot uses in so many seconds after a word to its peers."""
    _say(peers, word)
    before = _processor(bot.pid)
    time.sleep(seconds)
    return _processor(bot.pid) - before


def _longest(looks: Sequence[float], saw: Saw) -> float:
    """The longest pause of one node while it was measured, also one that has not ended."""
    at = [max((one for one in looks if one < saw.quiet), default=saw.quiet)]
    at += [one for one in looks if saw.quiet <= one < saw.calmed] + [saw.calmed]
    return max(later - one for one, later in pairwise(at))


def _delays(saw: Saw) -> list[float]:
    """How long each end took to be told; those that are not, until the end of the measurement."""
    return sorted(saw.told.get(task, saw.ended) - at for task, at in saw.changed.items())


def _percentile(delays: Sequence[float], share: float = 0.99) -> float:
    return delays[min(int(share * len(delays)), len(delays) - 1)] if delays else 0.0


async def _seed(store: Store, nodes: dict[str, list[str]]) -> None:
    await store.migrate()
    now = datetime.now(UTC)
    async with store.write() as tx:
        for number, node in enumerate(nodes):
            pair = f"3PxGv{number:05}{'aB' * 15}", f"{number:0128x}"
            await tx.sessions.put(DbcSession(_USER, NodeId(node), *pair, added_at=now))
        await tx.inventory.put_nodes(
            [Node(NodeId(node), node[-6:], "0.4.1.8", now) for node in nodes]
        )
    pairs = [(node, task) for node, tasks in nodes.items() for task in tasks]
    for start in range(0, len(pairs), 500):
        some = [_command(node, task, now) for node, task in pairs[start : start + 500]]
        await asyncio.gather(*(store.record(one, by="seed", until=now) for one in some))
        async with store.write() as tx:
            for one in some:
                expect = {ExecutionStatus.RECORDED}
                await tx.executions.set_status(
                    one.id, ExecutionStatus.FOLLOWING, now=now, expect=expect
                )
                await tx.watches.add(_watch(one, now))
    await store.close()


def _command(node: str, task: str, now: datetime) -> Execution:
    return Execution(
        id=ExecutionId(task),
        key=task,
        actor=_USER,
        place=Place(ChannelId(f"C{crc32(task.encode()) % _CHANNELS:09}")),
        source=Source.SLASH,
        command="vm.create",
        arguments={"vm": task},
        effect=Effect.CHANGE,
        created_at=now,
        node=NodeId(node),
        task=TaskId(task),
        label=task[:8],
    )


def _watch(command: Execution, now: datetime) -> Watch:
    return Watch(
        id=command.id, execution=command.id, node=command.node, task=command.task,
        label=command.label, goal=Goal.RUNNING, owner=_USER, place=command.place, started_at=now,
        deadline_at=now + timedelta(hours=1), next_poll_at=now,
        about={"command": command.command}, status="creating", moved=True,
    )  # fmt: skip


# Processes


@contextmanager
def _peers(wanted: Wanted) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.watched_nodes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as peers:
        _say(peers, json.dumps(asdict(wanted)))
        yield peers


@contextmanager
def _bot(data: Path, url: str, key: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The real thing, as it is started anywhere."""
    base = f"http://127.0.0.1:{port}"
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-1-benchmark",
        "SLACK_SIGNING_SECRET": "0" * 32,
        "SLACK_API_URL": f"{base}/slack/",
        "DBC_CLIENT_URLS": base,
        "DATABASE_URL": url,
        "CREDENTIAL_KEYS": key,
        "HTTP_PORT": "0",
        "LOG_FORMAT": "json",
        "PYTHONPATH": f"{_without_rich(data)}{os.pathsep}{ROOT}",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, *os.environ.get("BOT_UNDER", "").split(), "-m", "bot", "run"]
    with (data / "bot.log").open("wb") as log, subprocess.Popen(
        command, stdout=log, stderr=log, cwd=data, env=kept | settings
    ) as bot:  # fmt: skip
        try:
            while b"listening" not in (data / "bot.log").read_bytes() and bot.poll() is None:
                time.sleep(0.05)
            yield bot
        finally:
            bot.send_signal(signal.SIGTERM)


def _without_rich(data: Path) -> Path:
    """Where Python finds no `rich`, which no deployment has, but a developer's environment.

    structlog imports it where it is, with `pygments`: 3 MiB.
    """
    places = data / "packages"
    places.mkdir()
    (places / "rich.py").write_text("raise ImportError")
    return places


def _say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    print(line, file=process.stdin, flush=True)


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    if not (line := process.stdout.readline()):
        raise RuntimeError("the counterparts have ended")
    return line


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used, by the operating system's account."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(row.split()[1]) for row in status.splitlines() if "VmRSS" in row) / 1024


def _given() -> float:
    """MiB of a process that does nothing but import the given packages."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import {', '.join(GIVEN)}; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as bare:
        _hear(bare)
        memory = _resident(bare.pid)
        _say(bare, "")
    return memory


def row(found: Watching) -> str:
    """One measurement as a row in Markdown."""
    cells: tuple[Any, ...] = (
        f"{found.watches:,}", found.nodes, f"{found.share:.1%}", f"{found.longest:.1f}",
        f"{found.told:.1f}", f"{found.ends} of {found.changes}", f"{found.per_list:.1f}",
        f"{found.memory:.0f}", f"{found.memory / found.given:.2f}",
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


HEAD = (
    "| watches | nodes | share of a core | longest s between looks | s to told, p99 | told "
    "| ms per list | MiB | ÷ given packages |"
)


@click.command()
@click.argument("sizes", nargs=-1, type=int)
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    help="How long each is measured without changes, then with.",
)
def main(sizes: tuple[int, ...], seconds: float) -> None:
    """Measure with so many watches each, 50 on a node."""
    click.echo(HEAD)
    click.echo("|" + " ---: |" * (HEAD.count("|") - 1))
    for size in sizes or (10, 100, 1_000, 10_000):
        with tempfile.TemporaryDirectory() as data:
            click.echo(row(watching(Path(data), size, max(size // 50, 1), seconds)))


if __name__ == "__main__":
    main()
