"""The demo's command line, and the bot as its child."""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from sandbox.dbc import demo_world
from sandbox.seed import credentials
from sandbox.slack.bot_process import BotProcess

ROOT = Path(__file__).parents[3]


async def test_the_two_servers_run_alone_and_end_on_ctrl_c() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--no-bot", "--port", "0", "--dbc-port", "0"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        first = (await process.stdout.readline()).decode()
        url = first.split()[3].rstrip(";")
        async with aiohttp.ClientSession() as http, http.get(f"{url}page/people") as answer:
            assert answer.status == 200
            async with http.get(f"{url}dbc-control/state") as state:
                assert "gpu1" in await state.text()
        process.send_signal(signal.SIGINT)
        settings = (await process.stdout.read()).decode()
        assert await process.wait() == 0
    assert f"SLACK_API_URL={url}api/" in settings
    assert "DBC_CLIENT_URLS=http://127.0.0.1:" in settings
    assert "/data/sandbox/dbc-bot.db\n" in settings  # a demo empties its own
    for credential in credentials(demo_world()):
        assert f"{credential.node:<8}{credential.node_id}" in settings
    assert settings.count("Session signature:") == settings.count("Session id:") > 1


@pytest.mark.slow
async def test_a_second_demo_leaves_the_data_of_the_first_alone(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "demo" / "dbc-bot.db"
    kept.parent.mkdir(parents=True)
    kept.write_text("the first demo's")
    with socket.create_server(("127.0.0.1", 0)) as first:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sandbox", "--port", str(first.getsockname()[1]), "--dbc-port", "0"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(30):
            said = (await process.stderr.read()).decode()
            assert await process.wait() == 1
    assert "Is a port taken?" in said
    assert kept.read_text() == "the first demo's"


@pytest.mark.slow
async def test_a_demo_empties_no_directory_that_another_one_uses(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "demo" / "dbc-bot.db"
    kept.parent.mkdir(parents=True)
    kept.write_text("the first demo's")
    with (tmp_path / "data" / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sandbox", "--port", "0", "--dbc-port", "0"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(30):
                said = (await process.communicate())[1].decode()
        finally:
            if process.returncode is None:
                process.kill()
    assert (process.returncode, "Another demo has its data in data/demo." in said) == (1, True)
    assert kept.read_text() == "the first demo's"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "told"), [("rules.toml", "does not exist"), (".", "is not a file")]
)
async def test_a_wrong_path_of_rules_fails_at_once(tmp_path: Path, typed: str, told: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--port", "0", "--dbc-port", "0"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POLICY_FILE": typed},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 1
    assert f"{(tmp_path / typed).resolve()} {told} (POLICY_FILE={typed})." in said


@pytest.mark.slow
async def test_rules_are_looked_for_where_the_person_stands(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--no-bot", "--port", "0", "--dbc-port", "0"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POLICY_FILE": "rules.toml"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        first = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        settings = (first + await process.stdout.read()).decode()
        assert await process.wait() == 0
    assert f"POLICY_FILE={tmp_path}/rules.toml" in settings


async def test_a_bot_that_dies_is_reported_and_can_be_started_again() -> None:
    exits: asyncio.Queue[int] = asyncio.Queue()
    words = "import os, sys; sys.exit(int(os.environ['CODE']))"
    bot = BotProcess(lambda: {"CODE": "3"}, exits.put_nowait, (sys.executable, "-c", words))
    for _ in range(2):
        assert await bot.start()
        assert await asyncio.wait_for(exits.get(), 30) == 3
        assert not bot.running
    await bot.stop()


async def test_a_bot_is_asked_to_end() -> None:
    exits: asyncio.Queue[int] = asyncio.Queue()
    words = "import time; time.sleep(60)"
    bot = BotProcess(dict, exits.put_nowait, (sys.executable, "-c", words))
    assert await bot.start()
    assert not await bot.start()
    await bot.stop()
    assert not bot.running
    assert exits.empty()


@pytest.mark.slow
async def test_the_bots_commands_run_beside_the_demo_as_it_says(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--port", "0", "--dbc-port", "0"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**20,
    )
    assert process.stdout is not None
    async with asyncio.timeout(90):
        said = ""
        while "Commands of the bot, beside it" not in said:
            said = (await process.stdout.readline()).decode()
        command = (await process.stdout.readline()).decode().strip()
        ours = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        doctor = await asyncio.create_subprocess_shell(
            command, cwd=tmp_path, env=ours, stdout=asyncio.subprocess.PIPE
        )
        told = (await doctor.communicate())[0].decode()
        process.send_signal(signal.SIGINT)
        await process.stdout.read()
        assert await process.wait() == 0
    assert doctor.returncode == 0, told
    assert "dbc-bot.db, a bot has it open." in told
    assert (tmp_path / "data" / "demo" / ".env").stat().st_mode & 0o077 == 0
