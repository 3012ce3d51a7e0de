"""The log cannot be written: the bot works on as if it could."""

from pathlib import Path

from tests.mortal import START, mortal
from tests.scenarios.stage import CHANNEL


async def test_a_bot_whose_log_is_full_is_still_reached_again_after_its_connection_breaks(
    tmp_path: Path,
) -> None:
    (tmp_path / "bot.log").symlink_to("/dev/full")
    async with mortal(tmp_path, ack_seconds=START) as one:
        alice = one.ws.member("alice")
        handshakes = one.ws.sockets.handshakes
        one.ws.sockets.drop()
        await one.ws.until(lambda: one.ws.sockets.handshakes > handshakes and one.ws.connected, 60)
        await alice.types("/dbc frobnicate", CHANNEL)
        await alice.sees("frobnicate", timeout=20)
        assert await one.end(25) == 0
