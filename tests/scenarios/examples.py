"""Sentences with exemplary values in them, for those that need a rare fault to be said.

The values are found by the names that a template declares; one that no table knows is a text of
that name, as people would write it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from string import Formatter

from babel.messages.catalog import Message

from bot.ids import UserId
from bot.reply import Line, Phrase, Span, bold, channel, code, command, line, mention, time

Value = str | int | Span | Phrase | Line

_AT = time(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
_MACHINE, _NODE = bold("inference"), bold("gpu1")
_ALICE, _BOB = mention(UserId("U0ALICE")), mention(UserId("U0BOB"))
_WHY, _RETRY = Phrase("connection refused"), Phrase("Try again in a minute.")
_VALUES: dict[str, Value] = {
    "actor": _ALICE, "add": command("session add gpu1"), "advice": Phrase("Make room."), "all": 5,
    "approvers": _BOB, "at": _AT, "begins": _AT, "by": _ALICE, "change": "cpu_cores 16",
    "changes": "cpu_cores 16", "channel": channel("C0GPUOPS"), "channels": channel("C0GPUOPS"),
    "check": command("doctor"), "code": -7, "column": code("deed"), "command": command("vm list"),
    "copy": code("python -m bot copy-to-postgresql"), "count": 3, "current": "0042",
    "day": "2026-11-02", "delete": command("vm delete inference"), "directory": code("/data"),
    "disk": code("vdb"), "disks": code("vdb"), "down": 1, "duration": "4 min", "ends": _AT,
    "entry": "restart task: ok", "event": code("tick.failed"), "field": code("cpu_cores"),
    "file": code("ubuntu.qcow2"), "files": code("s1.qcow2"), "follow": command("watch list"),
    "free": 2, "gateway": code("nginx"), "groups": "oncall", "hash": code("4be1"),
    "host": code("slack.com"), "hours": 8, "id": code("3fa9"), "image": code("ubuntu.qcow2"),
    "journal": code("bot.db-wal"), "key": code("SLACK_BOT_TOKEN"), "keys": "2", "kind": "Timeout",
    "label": _MACHINE, "least": 1, "left": code("bot.db-wal"), "line": 7, "listed": code("hub"),
    "longest": 64, "lost": 1, "machine": _MACHINE, "machines": _MACHINE, "mend": _RETRY,
    "meant": code("POLICY_FILE"), "method": code("chat.update"), "minutes": 5, "mode": "0644",
    "more": 20, "most": 64, "name": code("s1"), "named": code("b.db"), "names": code("s1"),
    "needed": "0043", "node": _NODE, "nodes": _NODE, "number": 2, "of": 3, "order": 1287,
    "orders": 1287, "other": code("a.db"), "overdue": 1, "owner": _ALICE, "part": "2G",
    "people": _BOB, "percent": 40, "person": _ALICE, "place": code(".env"), "port": 5684,
    "ports": "5684", "prefix": 0, "problem": _WHY, "product": "nginx", "protocol": code("tcp"),
    "reason": _WHY, "proxy": code("HTTPS_PROXY"), "request": "vm restart inference",
    "requester": _ALICE, "restore": code("python -m bot restore"), "revision": "0043",
    "rule": "nights", "said": "no", "row": Phrase("session"), "rows": Phrase("session"),
    "schema": "0042", "seconds": 40, "scope": code("chat:write"), "scopes": code("chat:write"),
    "seen": _AT, "seq": 4711, "server": code("hub"), "servers": code("hub"),
    "setting": code("POLICY_FILE"), "shm": "bot.db-shm", "size": "18G", "snapshot": code("s1"),
    "state": "running", "status": "running", "system": code("linux"),
    "target": line(_MACHINE, " · ", _NODE), "team": "Acme", "text": "no such file", "time": _AT,
    "times": 3, "told": _RETRY, "type": "text/html", "unknown": 1, "until": _AT,
    "url": code("http://10.0.0.1:8080"), "user": _ALICE, "value": 8, "version": "26.2",
    "wal": "bot.db-wal", "wallet": code("5F…abcd"), "wanted": 10, "what": "vm list", "when": _AT,
    "where": code("10.0.0.1:8080"), "which": 2, "whole": "18G", "whom": _BOB, "whose": _ALICE,
    "why": _WHY, "word": code("ubuntu"), "words": code("head, tail"),
}  # fmt: skip
_NUMBERS = (1, 3)


def examples(message: Message) -> Iterator[Phrase]:
    """The sentence with values; of one that counts, for a single thing and for three."""
    if isinstance(message.id, str):
        yield Phrase(message.id, tuple(_given(message.id)))
        return
    one, several = message.id
    for number in _NUMBERS:
        given = (("number", number), *_given(one + several, besides="number"))
        yield Phrase(one, given, several, number)


def _given(template: str, besides: str = "") -> Iterator[tuple[str, Value]]:
    names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    for name in dict.fromkeys(names):
        if name != besides:
            yield name, _VALUES.get(name, f"‹{name}›")
