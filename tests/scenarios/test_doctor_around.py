"""`python -m bot doctor` on what is around the bot: the machine's ports and the audit stream."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.app import Bot
from bot.clock import SystemClock
from sandbox.chain import Chain, RpcNode
from storage.file import claim
from tests.databases import begin
from tests.mortal import mortal
from tests.scenarios.orders import chained
from tests.scenarios.site import site
from tests.scenarios.stage import LIMITS
from tests.scenarios.test_doctor import FAULT, OK, WARNING, examined
from tests.scenarios.test_health_port import free_port


@asynccontextmanager
async def another(says: bytes) -> AsyncIterator[int]:
    """Another program at a port of this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_doctor_tells_how_the_running_bot_is_where_it_can_be_asked(
    tmp_path: Path,
) -> None:
    port = free_port()
    lost = str(tmp_path / "missing" / "audit.jsonl")
    extra = {"HEALTH_PORT": str(port), "AUDIT_STREAM": lost, "HEALTH_HOST": "0.0.0.0"}
    async with mortal(tmp_path, extra=extra) as bot:
        await bot.logs("audit_stream.stands")
        code, told = await examined(bot)
        assert code == WARNING, told
        assert f"✔ health port:   The bot answers at 0.0.0.0:{port}." in told
        assert "⚠ running bot:   The audit stream takes nothing (no such file" in told
        assert "⚠ audit stream:  AUDIT_STREAM takes nothing: no such file or directory." in told
        (tmp_path / "missing").mkdir()
        begin(tmp_path / "other" / "other.db")
        code, told = await examined(bot, DATABASE_URL=f"sqlite:///{tmp_path}/other/other.db")
        assert code == FAULT
        assert f"✘ health port:   Another bot answers at 0.0.0.0:{port}, not one on this" in told
        code, told = await examined(bot, HEALTH_PORT=str(free_port()))
        assert code == WARNING, told
        assert "The bot that runs does not answer at 0.0.0.0:" in told


@pytest.mark.parametrize("says", [b"HTTP/1.1 200 OK\r\n\r\nok\n", b"220 mail.example.org\r\n"])
async def test_a_port_that_something_else_has_is_told_with_what_to_do(
    tmp_path: Path, says: bytes
) -> None:
    async with mortal(tmp_path) as bot, another(says) as port:
        code, told = await examined(bot, "--json", HEALTH_PORT=str(port))
        assert code == FAULT
        (found,) = [one for one in json.loads(told) if one["about"] == "health port"]
        assert found == {
            "about": "health port",
            "level": "fault",
            "says": f"Something that is not the bot answers at 127.0.0.1:{port}.",
            "do": f"Stop it (ss -ltnp sport = :{port} shows what it is), or set HEALTH_PORT to a "
            "free port.",
        }
        http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s3cret0", "HTTP_PORT": str(port)}
        code, told = await examined(bot, **http)
        assert f"✘ HTTP port:     Something that is not the bot answers at 127.0.0.1:{port}" in told
        code, told = await examined(bot, **http, HEALTH_PORT=str(port))
        assert "✘ settings:      HTTP_PORT: HEALTH_PORT is the same port. Set it to an" in told


async def test_a_port_that_nobody_has_is_tried_before_the_start(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        await bot.kill()
        port = free_port()
        code, told = await examined(bot, HEALTH_PORT=str(port))
        assert code == OK, told
        assert f"✔ health port:   Nothing answers at 127.0.0.1:{port}, which is free." in told
        for host in ("nobody.invalid", "999.1.1.1"):
            code, told = await examined(bot, HEALTH_PORT=str(port), HEALTH_HOST=host)
            assert code == FAULT
            assert f"✘ health port:   The bot cannot listen on {host}:{port}: " in told
        assert "Set HEALTH_HOST and HEALTH_PORT." in told


async def test_rows_that_wait_for_the_audit_stream_are_told(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    async with mortal(tmp_path, extra={"AUDIT_STREAM": str(file)}) as bot:
        await bot.gives_session(bot.ws.member("alice"), "gpu1")
        await bot.comes_true(
            "SELECT count(*) FROM streams WHERE position = (SELECT max(seq) FROM audit)"
        )
        await bot.kill()
        code, told = await examined(bot)
        assert code == OK, told
        assert "✔ audit stream:  It is up to date." in told
        with closing(sqlite3.connect(tmp_path / "bot.db")) as raw, raw:
            raw.execute("DROP TRIGGER audit_refuses_update")
            raw.execute("UPDATE audit SET at = '2026-01-05T09:00:00.000000+00:00'")
            raw.execute("UPDATE streams SET position = position - 1")
        written = file.read_bytes()
        code, told = await examined(bot)
        assert code == WARNING, told
        assert "⚠ audit stream:  1 row of the audit waits to be passed on, the oldest for " in told
        assert "Is the bot running? If so, see audit_stream.stands in its log." in told
        with claim(tmp_path / "bot.db"):  # as a bot that runs has it
            code, told = await examined(bot)
        assert " min. See audit_stream.stands in the log." in told
        assert "Is the bot running" not in told
        assert file.read_bytes() == written
        file.unlink()
        file.mkdir()
        code, told = await examined(bot)
        [line] = [one for one in told.splitlines() if "audit stream:" in one]
        assert "AUDIT_STREAM takes nothing: is a directory. 1 row of the audit waits" in line
        assert "Is the bot running" not in line


async def test_operators_in_slack_are_told_of_rows_that_wait_without_the_place(
    tmp_path: Path,
) -> None:
    where = tmp_path / "missing" / "audit.jsonl"
    async with site(tmp_path, '[doctor]\npeople = { persons = ["U0BOB"] }\n') as stage:
        await stage.bot.stop()
        settings = stage.settings().model_copy(update={"audit_stream": str(where)})
        stage.bot = Bot(settings, stage.machine, LIMITS)
        await stage.bot.start(ticking=False)
        await stage.bot.edge.connected()
        await stage.passes(120)
        told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "⚠ this process The audit stream takes nothing (no such file or directory)" in told
        assert "rows of the audit wait to be passed on, the oldest for " in told
        assert "See audit_stream.stands in the log." in told
        assert "missing" not in told
        await stage.asks(stage.bob, "/dbc settings language zh")
        told = (await stage.asks(stage.bob, "/dbc doctor")).plain
        assert "审计流无法写入（没有这个文件或目录）" in told
        assert "条审计记录等待转发" in told


async def test_secrets_in_env_that_others_can_read_are_told_with_the_command(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        await bot.kill()
        env = tmp_path / ".env"
        env.write_text("LOG_LEVEL=info\nDATABASE_URL=sqlite+aiosqlite:///data/dbc-bot.db\n")
        env.chmod(0o644)
        code, told = await examined(bot)
        assert (code, ".env" in told) == (OK, False), told  # nothing in it is secret
        env.write_text(f"slack_bot_token={bot.ws.bot_token}\n")
        code, told = await examined(bot)
        assert code == WARNING, told
        advice = "⚠ file modes:    .env is 0644: others can read it. Run: chmod 600 .env"
        assert advice in told
        env.write_text("DATABASE_URL=postgresql+asyncpg://bot:s3cret@database/bot\n")
        code, told = await examined(bot)
        assert advice in told
        env.chmod(0o600)
        code, told = await examined(bot)
        assert code == OK, told


async def test_each_address_of_the_chain_is_asked_for_its_newest_block(tmp_path: Path) -> None:
    chain = Chain(SystemClock())
    async with (
        mortal(tmp_path) as bot,
        RpcNode(chain) as node,
        another(b"HTTP/1.1 403 No\r\n\r\n") as shut,
    ):
        await bot.kill()
        key = "/v1/k3y"
        closed = free_port()
        urls = f"{node.url},http://127.0.0.1:{closed}{key},http://127.0.0.1:{shut}{key}"
        code, told = await examined(bot, CHAIN_RPC_URLS=urls)
        assert code == FAULT
        assert re.search(r"✔ chain 127.0.0.1:\d+: Its newest block is [\d,]+\.\n", told), told
        refused = "It cannot be reached: connection refused. Check CHAIN_RPC_URLS"
        assert f"✘ chain 127.0.0.1:{closed}: {refused}" in told
        assert f"✘ chain 127.0.0.1:{shut}: It refuses the request: HTTP 403. Check" in told
        assert "k3y" not in told
        code, told = await examined(bot, "--json", CHAIN_RPC_URLS=node.url)
        assert code == OK
        (found,) = [one for one in json.loads(told) if one["about"].startswith("chain ")]
        assert found["says"].startswith("Its newest block is ")


async def test_people_in_slack_are_told_of_the_chains_nodes_by_number(tmp_path: Path) -> None:
    policy = '[doctor]\npeople = { persons = ["U0BOB"] }\n'
    async with chained(tmp_path, nodes=1, policy=policy) as one:
        one.rpc[0].status = 503
        told = (await one.stage.asks(one.stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "✘ chain node 1 It refuses the request: HTTP 503. Check CHAIN_RPC_URLS" in told
        assert "127.0.0.1" not in told
        await one.stage.asks(one.stage.bob, "/dbc settings language zh")
        told = (await one.stage.asks(one.stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "✘ 链节点 1 它拒绝了请求：HTTP 503。检查 CHAIN_RPC_URLS" in told


async def test_without_a_health_port_it_is_said_that_the_bot_is_not_asked(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        code, told = await examined(bot)
        assert code == OK, told
        assert "✔ health port:   No HEALTH_PORT is set: the running bot is not asked." in told


async def test_a_bot_whose_unit_alone_names_the_database_is_told_from_what_is_looked_at(
    tmp_path: Path,
) -> None:
    port = free_port()
    extra = {"HEALTH_PORT": str(port), "AUDIT_STREAM": str(tmp_path / "missing" / "audit.jsonl")}
    async with mortal(tmp_path, extra=extra) as bot:
        await bot.logs("audit_stream.stands")
        code, told = await examined(bot, DATABASE_URL="", AUDIT_STREAM="")
        assert code == WARNING, told
        where = f"127.0.0.1:{port}"
        assert f"⚠ health port:   The bot that answers at {where} is on another database" in told
        assert "(SQLite). DATABASE_URL is not set here, so what is said of the database" in told
        assert "⚠ running bot:   The audit stream takes nothing (no such file" in told
        assert "data/dbc-bot.db does not exist yet. DATABASE_URL is not set here:" in told
        assert "✔ Socket Mode:   Not tried, since a bot may be running" in told
        code, told = await examined(bot, DATABASE_URL="", HEALTH_PORT="")
        assert "the running bot is not asked. Where its unit or container sets" in told
