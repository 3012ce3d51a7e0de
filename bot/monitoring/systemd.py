"""Tells systemd how the bot is (sd_notify): READY, STATUS, WATCHDOG, STOPPING.

Does nothing where systemd did not start it with Type=notify. The protocol is one datagram of lines.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from bot.health import Health

_BEAT = timedelta(seconds=5)
# While the bot cannot work: that it can is told soon.
_BEAT_OF_FAULTS = timedelta(seconds=1)
# While it waits for Slack or the database at the start, systemd must not end it.
_MORE_TIME = timedelta(seconds=30)


class Systemd:
    """Beats on the event loop, so that a loop that stands still is restarted.

    `is_ticking`: a bot whose clockwork stands still gets no more WATCHDOG, either.
    """

    def __init__(
        self, health: Health, is_ticking: Callable[[], bool], environment: Mapping[str, str]
    ) -> None:
        self._health = health
        self._is_ticking = is_ticking
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._every = min(_BEAT, _watchdog(environment) / 2)
        self._is_started = False
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell; `started` follows."""
        if self._address and self._beating is None:
            self._beating = asyncio.create_task(self._beat(), name="systemd")

    def started(self) -> None:
        """Tell that the bot has started."""
        self._is_started = True
        self._send("READY=1", "WATCHDOG=1", self._status())

    async def stop(self) -> None:
        """Tell that the bot ends."""
        self._send("STOPPING=1", "STATUS=Stopping.")
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None

    async def _beat(self) -> None:
        while True:
            lines = [self._status()]
            if self._is_ticking():
                lines.append("WATCHDOG=1")
            if not self._is_started:
                lines.append(f"EXTEND_TIMEOUT_USEC={_MORE_TIME // timedelta(microseconds=1)}")
            self._send(*lines)
            most = _BEAT_OF_FAULTS if self._health.reasons else _BEAT
            await asyncio.sleep(min(self._every, most).total_seconds())

    def _status(self) -> str:
        health = self._health
        said = " ".join(health.reasons or ("Ready.", *health.impairments))
        return f"STATUS={said}".replace("\n", " ")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # Behind an @ stands a name that is in no file system.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with (
            suppress(OSError),  # nobody listens, or not now: nothing depends on it
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify,
        ):
            notify.sendto("\n".join(lines).encode(), address)


def _watchdog(environment: Mapping[str, str]) -> timedelta:
    """How often systemd wants to hear of us at the least; long where it does not ask."""
    wanted = environment.get("WATCHDOG_USEC", "")
    meant_for = environment.get("WATCHDOG_PID", str(os.getpid()))
    if not wanted.isdecimal() or int(wanted) == 0 or meant_for != str(os.getpid()):
        return timedelta(days=1)
    return timedelta(microseconds=int(wanted))
