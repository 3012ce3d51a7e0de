"""Sends prepared requests over kept connections and takes the time until each is answered.

Blocking sockets and no event loop: what is measured is the server, not its client.
"""

import gc
import re
import select
import selectors
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE = 30.0  # seconds; a server that is silent for longer is broken


class Load:
    """Kept connections to one server on loopback."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._sockets = [self._connected() for _ in range(connections)]

    def _connected(self) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for one in self._sockets:
            one.close()

    def at_once(self, requests: Sequence[bytes]) -> list[float]:
        """All at the same moment, one on each connection; seconds until each was answered.

        Raises RuntimeError for any answer but 200.
        """
        count = len(requests)
        sent, answered = [0.0] * count, [0.0] * count
        received = [b""] * count
        waiting = count
        self._make_ready(count)
        with _undisturbed():
            for index, request in enumerate(requests):
                sent[index] = perf_counter()
                self._sockets[index].sendall(request)
            while waiting:
                for index in self._readable():
                    received[index] += self._sockets[index].recv(65_536)
                    now = perf_counter()
                    if _is_complete(received[index]):
                        answered[index] = now
                        waiting -= 1
        for answer in received:
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not acknowledged: {answer[:200]!r}")
        return [end - start for start, end in zip(sent, answered, strict=True)]

    def _make_ready(self, count: int) -> None:
        """Look at the first `count` connections only, made anew where the server had enough."""
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
        for index in range(count):
            if _is_over(self._sockets[index]):
                self._sockets[index].close()
                self._sockets[index] = self._connected()
            self._selector.register(self._sockets[index], selectors.EVENT_READ, index)

    def _readable(self) -> Iterator[int]:
        ready = self._selector.select(PATIENCE)
        if not ready:
            raise TimeoutError("the server does not answer")
        return (key.data for key, _ in ready)


def _is_over(one: socket.socket) -> bool:
    """Whether the server has closed it: it says nothing of its own accord."""
    readable, _, _ = select.select([one], [], [], 0)
    return bool(readable)


@contextmanager
def _undisturbed() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _is_complete(answer: bytes) -> bool:
    if not answer:
        raise RuntimeError("the server closed the connection")
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])
