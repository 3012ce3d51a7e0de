"""Recorded exchanges: reading them, sending them again byte by byte, comparing two answers."""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parents[2] / "recordings"
PATIENCE = 10.0


@dataclass
class Exchange:
    """One row of a recording."""

    file: str
    row: int
    note: str
    method: str
    path: str
    request: str | None
    status: int | None
    body: str | None
    headers: dict[str, str]
    raw: str

    @property
    def key(self) -> str:
        return f"{self.file}:{self.row}"


@dataclass
class Answer:
    """What came back; `status` is None when the connection was cut."""

    status: int | None
    headers: dict[str, str]
    body: str


def recorded(file: str) -> list[Exchange]:
    lines = (RECORDINGS / f"{file}.jsonl").read_text().splitlines()
    return [_exchange(file, row, json.loads(line)) for row, line in enumerate(lines)]


def _exchange(file: str, row: int, found: dict[str, Any]) -> Exchange:
    raw = found.get("raw") or ""
    body = found["body"]
    if body is None and "\r\n\r\n" in raw:
        body = raw.split("\r\n\r\n", 1)[1]
    return Exchange(
        file,
        row,
        found["note"],
        found["method"],
        found["path"],
        found["request_body"],
        found["status"],
        body,
        found.get("headers") or {},
        raw,
    )


# Rows that were sent with unusual headers.
_LENGTHS = {
    "no Content-Length": "",
    "Content-Length too small": "Content-Length: 10\r\n",
    "Content-Length negative": "Content-Length: -1\r\n",
    "Content-Length not a number": "Content-Length: abc\r\n",
}


# Rows whose recorded request is cut short.
_WHOLE = {
    "headers of 8100 bytes": "GET /api/v1/ HTTP/1.1\r\nHost: x\r\nX-A: " + "a" * 8055 + "\r\n\r\n",
    "URI of 9000 bytes": "GET /api/v1/" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
}


def wire(exchange: Exchange, path: str, body: str | None) -> bytes:
    """The request's bytes."""
    if exchange.method == "RAW":
        return _WHOLE.get(exchange.note, body or "").encode("latin-1")
    payload = (body or "").encode()
    length = _LENGTHS.get(exchange.note, f"Content-Length: {len(payload)}\r\n")
    if body is None:
        length = ""
    if exchange.note.startswith("Expect"):
        length += "Expect: 100-continue\r\n"
    head = f"{exchange.method} {path} HTTP/1.1\r\nHost: x\r\n{length}Connection: close\r\n\r\n"
    return head.encode() + payload


async def send(url: str, request: bytes) -> Answer:
    """Send bytes, read one answer."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(request)
            await writer.drain()
            return await _read(reader)
    except ConnectionError:
        return Answer(None, {}, "")
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return Answer(None, {}, "")
    lines = head.decode("latin-1").splitlines()
    status = int(lines[0].split()[1])
    if status == 100:
        return await _read(reader)
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return Answer(status, headers, body.decode("utf-8", "surrogateescape"))


_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"), "<time>"),
    (re.compile(r"\b(vm|data|snap)_\d+_\d{14}"), r"\1_<number>_<time>"),
    (re.compile(r'"login_password":"[^"]{16}"'), '"login_password":"<password>"'),
    (re.compile(r'"vnc_password":"[^"]{8}"'), '"vnc_password":"<password>"'),
    (re.compile(r"(password: |pwd:)[^\"]{8,16}\""), r'\1<password>"'),
    (re.compile(r"52:54:00(:[0-9a-f]{2}){3}"), "<mac>"),
    (re.compile(r"uuid: [0-9a-f-]{36}"), "uuid: <uuid>"),
    (re.compile(r'"node_private_key":"[0-9a-f]{64}"'), '"node_private_key":"<key>"'),
    (re.compile(r'"used_usage":"[\d.]+%"'), '"used_usage":"<percent>"'),
    (re.compile(r'("path":"/data","type":"HDD","size":")[^"]+'), r"\1<size>"),
    (re.compile(r'"free":"[\d.]+G"'), '"free":"<size>"'),
)
# After a resize, libvirt's test driver calls every disk 1024G.
_RESIZED = re.compile(r'"name":"(vd[a-z])"([^}]*)"size":"1024G"')


def normal(text: str) -> str:
    """A body without what differs from run to run."""
    for pattern, word in _VARIABLE:
        text = pattern.sub(word, text)
    return text


def same_disks(theirs: str, ours: str) -> str:
    """Our body with the sizes of those disks that the recording shows as resized."""
    for name, _ in _RESIZED.findall(theirs):
        pattern = rf'("name":"{name}"[^}}]*"size":")[^"]+"'
        ours = re.sub(pattern, r'\g<1>1024G"', ours)
    return ours
