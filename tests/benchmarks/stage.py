"""Starts and ends the processes of a run, makes signed requests, and sees when work is done."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.model import ExecutionStatus
from sandbox.slack.http_delivery import signature
from tests.benchmarks.peers import Room, Ticket
from tests.benchmarks.servers import PATH, SERVERS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds for work that was acknowledged to be carried out


class Stage:
    """All servers, the peers they talk to, and the bot's ledger."""

    def __init__(self, room: Room, ports: dict[str, int], data: Path, start: float = 0.0) -> None:
        self.room = room
        self.start = start  # seconds until the bot was ready
        self.ports = ports
        self._data = data
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def requests(self, text: str, count: int) -> list[bytes]:
        """Distinct deliveries of `/dbc <text>`, signed, as bytes on the wire."""
        return self.each([text] * count)

    def each(self, texts: Sequence[str]) -> list[bytes]:
        """A delivery of `/dbc <text>` for each of the texts."""
        made = self._peers(f"tickets?count={len(texts)}", b"")
        return [
            self._request(text, Ticket(**ticket)) for text, ticket in zip(texts, made, strict=True)
        ]

    def recorded(self) -> int:
        """How many commands stand in the bot's ledger."""
        return self._count("SELECT count(*) FROM executions")

    def ends(self) -> dict[str, int]:
        """How many commands of the ledger have come to which status."""
        rows = self._rows("SELECT status, count(*) FROM executions GROUP BY status")
        return {status: count for status, count in rows}  # noqa: C416 - typed

    def told(self) -> dict[str, int]:
        """How often each method of Slack's was called."""
        return dict(self._peers("calls"))

    def answers(self) -> int:
        """How often a response_url was used."""
        return int(self._peers("answers"))

    def wait_for_answers(self, count: int) -> None:
        """Return when response_urls were used `count` times."""
        _wait(lambda: self.answers() >= count)

    def wait_for_work(self) -> None:
        """Return when every recorded command was carried out and every message delivered."""
        _wait(
            lambda: (
                not self._count(
                    "SELECT count(*) FROM executions WHERE status IN ('recorded', 'running')"
                )
                and not self._count("SELECT count(*) FROM messages WHERE delivered < version")
            )
        )

    def wait_for_ends(self, count: int) -> None:
        """Return when so many commands have come to their ends, and each was told."""
        _wait(
            lambda: (
                sum(n for status, n in self.ends().items() if ExecutionStatus(status).is_end)
                >= count
                and not self._count("SELECT count(*) FROM messages WHERE delivered < version")
            )
        )

    def _request(self, text: str, ticket: Ticket) -> bytes:
        room = self.room
        body = urlencode(
            {
                "token": "verification-token",
                "team_id": room.team,
                "team_domain": "sandbox",
                "channel_id": room.channel,
                "channel_name": "gpu-ops",
                "user_id": room.user,
                "user_name": "alice",
                "command": "/dbc",
                "text": text,
                "api_app_id": "A0DBCBOT",
                "is_enterprise_install": "false",
                "response_url": ticket.response_url,
                "trigger_id": ticket.trigger_id,
            }
        )
        timestamp = str(int(time.time()))
        head = (
            f"POST {PATH} HTTP/1.1",
            "Host: 127.0.0.1",
            "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept-Encoding: gzip,deflate",
            "Accept: application/json,*/*",
            f"X-Slack-Signature: {signature(room.signing_secret, timestamp, body)}",
            f"X-Slack-Request-Timestamp: {timestamp}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    def _peers(self, what: str, body: bytes | None = None) -> Any:
        with self._open(f"{self.room.slack_url}benchmark/{what}", body, timeout=10) as answer:
            return json.load(answer)

    def _count(self, query: str) -> int:
        return int(self._rows(query)[0][0])

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._data}/bot.db?mode=ro", uri=True)) as ledger:
            return ledger.execute(query).fetchall()


@contextmanager
def staged(data: Path) -> Iterator[Stage]:
    """Every server in a process of its own, so that none has the other's heap or event loop."""
    with ExitStack() as stack:
        peers = Child(stack, data, "peers")
        room = Room(**json.loads(peers.hear()))
        ports = {}
        for name in SERVERS:
            server = Child(stack, data, "servers", name, str(data))
            server.say(json.dumps(asdict(room)))
            ports[name] = int(server.hear())
        yield Stage(room, ports, data)


@contextmanager
def one_bot(
    data: Path,
    machines: int,
    tree: Path = ROOT,
    prepare: Callable[[Room], None] = lambda _room: None,
) -> Iterator[tuple[Stage, "Child"]]:
    """The bot of a source tree alone, and a node with so many machines that are off.

    `prepare` may lay something beside its database.
    """
    with ExitStack() as stack:
        peers = Child(stack, data, "peers", str(machines))
        room = Room(**json.loads(peers.hear()))
        prepare(room)
        bot = Child(stack, data, "bot_process", str(data), tree=tree)
        bot.say(json.dumps(asdict(room)))
        said = json.loads(bot.hear())
        yield Stage(room, {"bot": said["port"]}, data, said["start"]), bot


class Child:
    """A module of this package in a process that ends when its standard input is closed.

    With a `tree` it is a script over the packages of that tree.
    """

    def __init__(
        self, stack: ExitStack, data: Path, module: str, *arguments: str, tree: Path | None = None
    ) -> None:
        self._name = "-".join([module, *arguments[:1]]).replace("/", "-")
        self._log = data / f"{self._name}.log"
        script = [str(Path(__file__).with_name(f"{module}.py"))]
        process = subprocess.Popen(
            [sys.executable, *(script if tree else ["-m", f"{__package__}.{module}"]), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stack.enter_context(self._log.open("wb")),
            text=True,
            cwd=tree or ROOT,
            env={**os.environ, "PYTHONPATH": str(tree or ROOT)},
        )
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        stack.enter_context(process)  # closes its standard input, then waits for its end

    @property
    def processor(self) -> float:
        """Seconds of processor time so far, by the operating system's account."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """MiB that were resident at the most so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    def say(self, line: str) -> None:
        print(line, file=self._stdin, flush=True)

    def hear(self) -> str:
        if not (line := self._stdout.readline()):
            raise RuntimeError(f"{self._name} did not start:\n{self._log.read_text()[-2000:]}")
        return line


def _wait(predicate: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not predicate():
        if time.monotonic() > until:
            raise TimeoutError("what was acknowledged is not carried out")
        time.sleep(0.005)
