"""The audit passed on to a file or a syslog server: each row, in order, whatever fails."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from bot.app import Bot
from bot.monitoring.sinks import FileSink, Record
from tests.scenarios.replicas import Replicas, replicas
from tests.scenarios.site import NAME, site
from tests.scenarios.stage import LIMITS, Stage

__all__ = ["replicas"]  # fixtures
FIELDS = {
    "schema", "seq", "at", "kind", "actor", "command", "arguments", "node", "task", "label",
    "execution", "approval", "outcome", "reason", "channel", "thread", "message",
    "message_channel", "message_ts", "details", "prev_hash", "hash",
}  # fmt: skip


@asynccontextmanager
async def streaming(data: Path, where: str) -> AsyncIterator[Stage]:
    """A stage whose bot passes its audit on to there."""
    async with site(data) as stage:
        await restarted(stage, where)
        yield stage


async def restarted(stage: Stage, where: str) -> None:
    """The bot stops, and starts again with this setting."""
    await stage.bot.stop()
    settings = stage.settings().model_copy(update={"audit_stream": where})
    stage.bot = Bot(settings, stage.machine, LIMITS)
    await stage.bot.start(ticking=False)
    await stage.bot.edge.connected()


async def rows_of(stage: Stage) -> int:
    """How many rows the audit has."""
    async with stage.bot.store.read() as tx:
        head = await tx.audit.head()
    return head.seq if head is not None else 0


def read(file: Path) -> list[dict[str, Any]]:
    """The rows in a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    """Their places in the audit."""
    return [row["seq"] for row in rows]


async def test_each_row_is_in_the_file_once_over_restarts_and_rotation(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    async with streaming(tmp_path, str(file)) as stage:
        await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
        await stage.passes(3)
        before = read(file)
        assert numbers(before) == list(range(1, await rows_of(stage) + 1))
        assert {frozenset(row) for row in before} == {frozenset(FIELDS)}
        assert {row["schema"] for row in before} == {"dbc-bot.audit.1"}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.rename(tmp_path / "audit.jsonl.1")
        await restarted(stage, str(file))
        await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")
        await stage.passes(3)
        assert numbers(before + read(file)) == list(range(1, await rows_of(stage) + 1))
        secrets = [part for part in stage.pair("gpu1") if part in str(before) + file.read_text()]
        assert secrets == []


async def test_what_a_dying_process_wrote_half_comes_again_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text('{"schema": "dbc-bot.au', encoding="utf-8")
    async with streaming(tmp_path, str(file)) as stage:
        await stage.passes(3)
        torn, *lines = file.read_text(encoding="utf-8").splitlines()
        assert torn == '{"schema": "dbc-bot.au'
        assert [json.loads(line)["seq"] for line in lines] == [*range(1, await rows_of(stage) + 1)]


async def test_a_file_that_cannot_be_written_is_named_and_caught_up_with(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "audit.jsonl"
    async with streaming(tmp_path, str(file)) as stage:
        await stage.passes(3)
        told = [one for one in stage.bot.health.impairments if "audit stream" in one]
        assert len(told) == 1
        assert "no such file or directory" in told[0]
        file.parent.mkdir()
        await stage.passes(60)
        assert numbers(read(file)) == list(range(1, await rows_of(stage) + 1))
        assert [one for one in stage.bot.health.impairments if "audit stream" in one] == []


async def test_a_full_disk_leaves_no_torn_line(tmp_path: Path) -> None:
    async with streaming(tmp_path, "/dev/full") as stage:
        await stage.passes(3)
        told = [one for one in stage.bot.health.impairments if "audit stream" in one]
        assert "no space left on device" in told[0]
        file = tmp_path / "audit.jsonl"
        await restarted(stage, str(file))
        await stage.passes(3)
        assert numbers(read(file)) == list(range(1, await rows_of(stage) + 1))


def poured(pipe: int) -> bytes:
    """What is in a pipe now."""
    found = b""
    with suppress(BlockingIOError):
        while part := os.read(pipe, 65_536):
            found += part
    return found


async def test_a_pipe_gets_each_row_once_and_none_while_nobody_reads(tmp_path: Path) -> None:
    fifo = tmp_path / "audit.fifo"
    os.mkfifo(fifo)
    async with streaming(tmp_path, str(fifo)) as stage:
        await stage.passes(3)
        assert [one for one in stage.bot.health.impairments if "nobody reads" in one]
        pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            await stage.passes(60)
            await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
            for _ in range(3):
                await stage.passes(3)
            rows = [json.loads(line) for line in poured(pipe).splitlines()]
            assert numbers(rows) == list(range(1, await rows_of(stage) + 1))
            assert not [one for one in stage.bot.health.impairments if "audit stream" in one]
        finally:
            os.close(pipe)


async def test_a_full_pipe_is_away_until_it_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "audit.fifo"
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    filler = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    try:
        with suppress(BlockingIOError):
            while os.write(filler, b"." * 4_096):
                pass
        async with streaming(tmp_path, str(fifo)) as stage:
            await stage.passes(3)
            assert [one for one in stage.bot.health.impairments if "pipe is full" in one]
            assert set(poured(pipe)) == {ord(".")}
            await stage.passes(60)
            rows = [json.loads(line) for line in poured(pipe).splitlines()]
            assert numbers(rows) == list(range(1, await rows_of(stage) + 1))
    finally:
        os.close(filler)
        os.close(pipe)


def test_a_pipe_smaller_than_a_batch_gets_all_of_it_bit_by_bit(tmp_path: Path) -> None:
    fifo = tmp_path / "audit.fifo"
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    left = [Record("", str(number) + "x" * 30_000, "") for number in range(5)]
    wanted, got, sink = [record.text for record in left], b"", FileSink(fifo)
    try:
        while left:
            left = left[sink.take(left) :]
            got += poured(pipe)
    finally:
        os.close(pipe)
    whole = [line for line in got.decode().splitlines() if len(line) == 30_001]
    assert whole == wanted


class Collector:
    """A syslog server for TCP that reads counted messages to the end and closes."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """Listen; gives the port."""
        self._server = await asyncio.start_server(self._read, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Go away."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := (await reader.read(0) or await self._size(reader)):
            message = (await reader.readexactly(int(size))).decode()
            head, _, text = message.partition("{")
            self.heads.append(head)
            self.rows.append(json.loads("{" + text))
        writer.close()

    @staticmethod
    async def _size(reader: asyncio.StreamReader) -> bytes:
        try:
            return (await reader.readuntil(b" ")).strip()
        except asyncio.IncompleteReadError:
            return b""


async def test_a_syslog_server_that_was_away_gets_all_of_it_in_order(tmp_path: Path) -> None:
    collector = Collector()
    port = await collector.listen()
    async with streaming(tmp_path, f"syslog+tcp://127.0.0.1:{port}") as stage:
        await stage.passes(3)
        assert numbers(collector.rows) == list(range(1, await rows_of(stage) + 1))
        assert collector.heads[0].startswith("<110>1 2026-01-05T09:00:")
        assert " dbc-bot - audit - " in collector.heads[0]
        await collector.close()
        await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
        await stage.passes(3)
        assert [one for one in stage.bot.health.impairments if "connection refused" in one]
        assert await collector.listen(port) == port
        await stage.passes(60)
        assert numbers(collector.rows) == list(range(1, await rows_of(stage) + 1))
    await collector.close()


async def test_each_row_is_a_datagram_over_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        port = receiver.getsockname()[1]
        async with streaming(tmp_path, f"syslog+udp://127.0.0.1:{port}") as stage:
            await stage.passes(3)
            got = []
            for _ in range(await rows_of(stage)):
                message = (await asyncio.get_running_loop().sock_recv(receiver, 65_536)).decode()
                got.append(json.loads(message[message.index("{") :]))
            assert numbers(got) == list(range(1, await rows_of(stage) + 1))


@pytest.mark.slow
async def test_of_several_replicas_one_passes_each_row_on(replicas: Replicas) -> None:
    stage, file = replicas.stage, replicas.stage.data / "audit.jsonl"
    for number, bot in enumerate(replicas.bots):
        await bot.stop()
        settings = bot._settings.model_copy(update={"audit_stream": str(file)})
        replicas.bots[number] = Bot(settings, stage.machine, LIMITS)
        await replicas.bots[number].start(ticking=False)
    stage.bot = replicas.bots[0]
    for _ in range(3):
        await replicas.pass_(3)
    assert numbers(read(file)) == list(range(1, await rows_of(stage) + 1))
    await replicas.bots[0].stop()
    os.sync()
    for _ in range(30):
        stage.clock.advance(timedelta(seconds=3))
        await replicas.bots[1].tick()
    stage.bot = replicas.bots[1]
    assert numbers(read(file)) == list(range(1, await rows_of(stage) + 1))


async def test_others_go_on_while_many_rows_are_read(tmp_path: Path) -> None:
    asked: list[str] = []  # the driver that was asked for rows: aiosqlite asks in a thread

    def notes(connection: Connection, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith("SELECT") and "audit.details" in sql:
            asked.append(connection.dialect.driver)

    async with streaming(tmp_path, str(tmp_path / "audit.jsonl")) as stage:
        event.listen(Engine, "before_cursor_execute", notes)
        try:
            for asks in (
                stage.asks(stage.alice, "/dbc audit list"),
                stage.asks(stage.alice, "/dbc audit export"),
                stage.passes(3),
            ):
                await asks
                assert set(asked) == {"aiosqlite"}
                asked.clear()
        finally:
            event.remove(Engine, "before_cursor_execute", notes)
