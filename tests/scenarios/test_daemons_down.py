"""A DBC daemon that cannot be used: operators are told, and no replica is taken out of service."""

import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.monitoring.port import readiness
from bot.monitoring.systemd import Systemd
from sandbox.dbc import Daemon
from tests.scenarios.nameless import nameless
from tests.scenarios.site import site
from tests.scenarios.stage import CHANNEL, LIMITS, Stage

DOCTOR = '[doctor]\npeople = { persons = ["U0BOB"] }\n'
ALONE = (
    "The DBC daemon cannot be used (connection refused): no machine can be seen or changed "
    "meanwhile. See DBC_CLIENT_URLS."
)


def ready(stage: Stage) -> str:
    """What /readyz says: 200 all the while."""
    answer = readiness(stage.bot.health)
    assert answer.status == 200
    return nameless(str(answer.text))


async def figures(stage: Stage) -> str:
    """What Prometheus reads."""
    await stage.bot._port._refresh()
    return stage.bot.metrics.text().decode()


async def test_the_only_daemon_is_down_and_the_bot_stays_ready_and_says_so(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, DOCTOR) as stage:
        await stage.passes(60)
        assert ready(stage) == "ok\n"
        await stage.daemon.stop()
        await stage.passes(60)
        assert ready(stage) == "ok\n"  # one lost request is no news
        await stage.passes(60)
        assert ready(stage) == f"ok\n{ALONE}\n"
        assert "dbc_bot_dbc_daemons_up 0.0\n" in await figures(stage)
        assert "dbc_bot_ready 1.0\n" in await figures(stage)
        seen = (await stage.asks(stage.bob, "/dbc doctor")).plain
        assert ALONE in seen
        await stage.asks(stage.bob, "/dbc settings language zh")
        seen = (await stage.asks(stage.bob, "/dbc doctor")).plain
        assert "无法使用 DBC 守护进程（连接被拒绝）" in seen
        await stage.daemon.start()
        await stage.passes(60)
        assert ready(stage) == "ok\n"
        assert "dbc_bot_dbc_daemons_up 1.0\n" in await figures(stage)


@pytest.mark.parametrize("fault", ["forbidden", "web_page", "redirect"])
async def test_what_answers_in_its_place_is_told_though_nodes_are_asked_all_the_while(
    tmp_path: Path, fault: str
) -> None:
    async with site(tmp_path) as stage:
        await stage.passes(60)
        stage.world.faults.on(fault)
        for _ in range(8):
            await stage.alice.types("/dbc vm list", channel=CHANNEL)
            await stage.passes(20)
        assert "(something else answers in its place)" in ready(stage)
        stage.world.faults.off()
        await stage.passes(60)
        assert ready(stage) == "ok\n"


async def test_a_spare_daemon_is_looked_at_though_nobody_needs_it(tmp_path: Path) -> None:
    async with site(tmp_path) as stage, Daemon(stage.world) as spare:
        await stage.bot.stop()
        urls = (stage.daemon.url, spare.url)
        settings = stage.settings().model_copy(update={"dbc_client_urls": urls})
        stage.bot = Bot(settings, stage.machine, LIMITS)
        await stage.bot.start(ticking=False)
        await stage.bot.edge.connected()
        await stage.passes(60)
        await spare.stop()
        with capture_logs() as logs:
            await stage.passes(60, times=3)
        assert ready(stage) == (
            "ok\n1 of 2 DBC daemons cannot be used (number 2 of DBC_CLIENT_URLS: connection "
            "refused). The others are asked meanwhile.\n"
        )
        assert "dbc_bot_dbc_daemons_up 1.0\n" in await figures(stage)
        assert [one["event"] for one in logs if one["event"].startswith("dbc.")] == ["dbc.down"]
        await stage.daemon.stop()
        await stage.passes(60, times=2)
        assert "None of the 2 DBC daemons can be used (connection refused): no " in ready(stage)
        await stage.daemon.start()
        await spare.start()
        await stage.passes(60)
        assert ready(stage) == "ok\n"


async def test_systemds_status_says_it_beside_ready(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.daemon.stop()
        await stage.passes(60, times=2)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
            Systemd(stage.bot.health, lambda: True, environment).started()
            assert f"STATUS=Ready. {ALONE}" in systemd.recv(4096).decode().splitlines()
