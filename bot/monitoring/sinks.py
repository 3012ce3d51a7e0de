"""Where records go that other systems collect: a file, or a syslog server over UDP or TCP.

Blocking, for a thread of its own. A sink returns once all of it was taken, else it raises OSError
and is given the same again.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

_PATIENCE = 10.0  # seconds, for a server that takes its time
_PRIORITY = 13 * 8 + 6  # “log audit”, informational (RFC 5424)
_LONGEST_DATAGRAM = 60_000  # bytes; UDP carries 65,507
SYSLOG_PORT = 514


@dataclass(frozen=True, slots=True)
class Record:
    """One record: as a line of JSON, without the end of the line, and in short.

    `at` is as RFC 5424 writes moments; `brief` stands for what no datagram can hold.
    """

    at: str
    text: str
    brief: str


class Sink(Protocol):
    """Takes records."""

    def take(self, records: Sequence[Record]) -> None:
        """Take all of them, durably as far as that can be known. Raises OSError."""
        ...


class FileSink:
    """Appends lines to a file, whatever rotates it: it is opened by its name each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, records: Sequence[Record]) -> None:
        """Append them and wait until they are on the disk; what does not fit leaves no trace."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A process that died has left the beginning of a line, which comes again as a whole.
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            lines = "".join(f"{record.text}\n" for record in records).encode(errors="replace")
            left = memoryview(b"\n" + lines if is_torn else lines)
            try:
                while left:
                    left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


class SyslogSink:
    """Sends RFC 5424 messages to a server."""

    def __init__(self, host: str, port: int, *, tcp: bool) -> None:
        self._address = host, port
        self._is_tcp = tcp

    def take(self, records: Sequence[Record]) -> None:
        """Send them; over TCP, wait until the server has read all of them.

        Over UDP nobody can know whether one has arrived.
        """
        if self._is_tcp:
            self._over_tcp(records)
        else:
            self._over_udp(records)

    def _over_tcp(self, records: Sequence[Record]) -> None:
        # RFC 6587 has no receipt. A server closes once it has read to the end, so that is one.
        with socket.create_connection(self._address, _PATIENCE) as connection:
            for record in records:
                message = self._message(record, record.text)
                connection.sendall(f"{len(message)} ".encode() + message)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    def _over_udp(self, records: Sequence[Record]) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            *self._address, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as channel:
            channel.connect(address)  # so that a port where nobody listens is an error
            for record in records:
                message = self._message(record, record.text)
                if len(message) > _LONGEST_DATAGRAM:
                    message = self._message(record, record.brief)
                channel.send(message)

    def _message(self, record: Record, text: str) -> bytes:
        host = socket.gethostname()[:255] or "-"
        head = f"<{_PRIORITY}>1 {record.at or '-'} {host} dbc-bot - audit - "
        return f"{head}{text}".encode(errors="replace")


def sink_of(where: str) -> Sink:
    """The sink of a path, or of an address like `syslog+tcp://host:514`."""
    scheme, mark, _ = where.partition("://")
    if not mark:
        return FileSink(Path(where))
    parts = urlsplit(where)
    return SyslogSink(parts.hostname or "", parts.port or SYSLOG_PORT, tcp=scheme == "syslog+tcp")
