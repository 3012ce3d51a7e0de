"""Where records go that other systems collect: a file, a pipe, or a syslog server over UDP or TCP.

Blocking, for a thread of its own. A sink says how many it took, and is given the others again; it
raises OSError where it took none.
"""

import errno
import os
import select
import shutil
import socket
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

_PATIENCE = 10.0  # seconds, for a server that takes its time
_FULL = 0.5  # seconds, for the reader of a full pipe: the process cannot exit meanwhile
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

    def take(self, records: Sequence[Record]) -> int:
        """Take them, durably as far as that can be known; how many of them, from the first on."""
        ...

    def look(self) -> None:
        """Raise OSError where it would take nothing, as far as that shows without giving it any."""
        ...


class FileSink:
    """Appends lines to a file, whatever rotates it: it is opened by its name each time.

    What is no regular file (a FIFO, the pipe of `/dev/stdout`) has taken what is written to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_torn = False  # the last line that went into a pipe

    def take(self, records: Sequence[Record]) -> int:
        """Append them, to a file all of them or none."""
        try:
            is_file = stat.S_ISREG(self._path.stat().st_mode)
        except FileNotFoundError:
            is_file = True
        if not is_file:
            return self._into_pipe(records)
        self._into_file(records)
        return len(records)

    def look(self) -> None:
        """Raise OSError where the file cannot be written. A pipe shows that to its writer alone."""
        directory = self._path.parent
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if self._path.exists() and not self._path.is_file():
            return
        if self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_APPEND))
        elif not directory.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        elif not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if shutil.disk_usage(directory).free == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _into_pipe(self, records: Sequence[Record]) -> int:
        """Write as many as it takes without being waited for."""
        until = time.monotonic() + _FULL
        descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            for number, record in enumerate(records):
                if not self._is_written(descriptor, record, until):
                    if number:
                        return number
                    raise OSError(errno.EAGAIN, "The pipe is full")
        finally:
            os.close(descriptor)
        return len(records)

    def _is_written(self, descriptor: int, record: Record, until: float) -> bool:
        """Write one line, which begins a new one where the last is torn; False: it is full."""
        text = f"\n{record.text}\n" if self._is_torn else f"{record.text}\n"
        left = memoryview(text.encode(errors="replace"))
        room = select.poll()
        room.register(descriptor, select.POLLOUT)
        while left:
            try:
                left = left[os.write(descriptor, left) :]
                self._is_torn = bool(left)
            except BlockingIOError:
                patience = until - time.monotonic()
                if patience <= 0 or not room.poll(patience * 1_000):
                    return False
        return True

    def _into_file(self, records: Sequence[Record]) -> None:
        """Wait until they are on the disk; what does not fit leaves no trace."""
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

    def take(self, records: Sequence[Record]) -> int:
        """Send all of them; over TCP, wait until the server has read them.

        Over UDP nobody can know whether one has arrived.
        """
        if self._is_tcp:
            self._over_tcp(records)
        else:
            self._over_udp(records)
        return len(records)

    def look(self) -> None:
        """Raise OSError where the name does not resolve or, over TCP, nobody listens."""
        if self._is_tcp:
            socket.create_connection(self._address, _PATIENCE).close()
        else:
            socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)

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
