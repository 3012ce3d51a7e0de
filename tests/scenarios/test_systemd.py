"""What systemd is told by the real process: READY once it works, WATCHDOG, STATUS, STOPPING."""

import asyncio
import select
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from bot.health import Health
from bot.monitoring.systemd import Systemd
from tests.mortal import mortal


async def told(systemd: socket.socket, line: str) -> list[str]:
    """All lines up to the first datagram that has this one."""
    lines: list[str] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(30):
        while line not in lines:
            lines += (await loop.sock_recv(systemd, 4096)).decode().splitlines()
    return lines


async def test_systemd_is_told_how_the_process_is(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setblocking(False)
        address = str(tmp_path / "notify")
        systemd.bind(address)
        extra = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        async with mortal(tmp_path, extra=extra) as bot:
            before = await told(systemd, "READY=1")
            assert "EXTEND_TIMEOUT_USEC=30000000" in before
            assert "STATUS=The bot is starting: Slack has not answered it yet." in before
            lines = await told(systemd, "STATUS=Ready.")
            for _ in range(3):
                lines = await told(systemd, "WATCHDOG=1")
            assert "EXTEND_TIMEOUT_USEC=30000000" not in lines
            bot.stand_still()
            while systemd in (await readable(systemd)):
                systemd.recv(4096)
            assert await readable(systemd, 0.8) == []
            bot.go_on()
            await told(systemd, "WATCHDOG=1")
            assert await bot.end(within=20) == 0
            await told(systemd, "STOPPING=1")


async def test_that_it_works_is_told_before_the_next_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.monitoring.systemd._BEAT", timedelta(hours=1))
    monkeypatch.setattr("bot.monitoring.systemd._BEAT_OF_FAULTS", timedelta(milliseconds=10))
    why, health = ["Slack is away."], Health()
    health.watch(lambda: why[0] if why else "")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setblocking(False)
        systemd.bind(str(tmp_path / "notify"))
        notifier = Systemd(health, lambda: True, {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        notifier.start()
        await told(systemd, "STATUS=Slack is away.")
        notifier.started()
        await told(systemd, "READY=1")
        why.clear()
        await told(systemd, "STATUS=Ready.")
        await notifier.stop()


async def readable(one: socket.socket, within: float = 0) -> list[socket.socket]:
    """The socket, if something comes within so many seconds."""
    found, _, _ = await asyncio.to_thread(select.select, [one], [], [], within)
    return list(found)
