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
_LATER = Phrase("once {node} takes commands again", (("node", _NODE),))
_VALUES: dict[str, Value] = {
    "actor": _ALICE, "add": command("session add gpu1"), "advice": Phrase("Make room."), "all": 5,
    "amount": "12 DBC", "approvers": _BOB, "at": _AT, "before": "2", "begins": _AT, "block": 4711,
    "bot": mention(UserId("U0DBC")), "by": _ALICE, "change": "cpu_cores 16",
    "changes": "cpu_cores 16", "channel": channel("C0GPUOPS"), "channels": channel("C0GPUOPS"),
    "check": command("doctor"), "code": -7, "column": code("deed"), "command": command("vm list"),
    "copy": code("python -m bot copy-to-postgresql"), "count": 3, "current": "0042",
    "day": "2026-11-02", "delete": command("vm delete inference"), "directory": code("/data"),
    "disk": code("vdb"), "disks": code("vdb"), "down": 1, "duration": "4 min", "early": _AT,
    "end": _AT, "ends": _AT, "entry": "restart task: ok", "event": code("tick.failed"),
    "fact": Phrase("Disks"), "facts": Phrase("Disks"), "fault": _WHY, "field": code("cpu_cores"),
    "file": code("ubuntu.qcow2"), "files": code("s1.qcow2"), "follow": command("watch list"),
    "found": 1, "free": 2, "gateway": code("nginx"), "groups": "oncall", "hash": code("4be1"),
    "host": code("slack.com"), "hours": 8, "id": code("3fa9"), "image": code("ubuntu.qcow2"),
    "journal": code("bot.db-wal"), "key": code("SLACK_BOT_TOKEN"), "keys": "2", "kind": "Timeout",
    "label": _MACHINE, "late": _AT, "later": _LATER, "least": 1, "left": "4 min",
    "limit": "100 DBC", "line": 7, "listed": code("hub"), "longest": 64, "lost": 1,
    "machine": _MACHINE, "machines": _MACHINE, "meant": code("POLICY_FILE"), "mend": _RETRY,
    "method": code("chat.update"), "minutes": 5, "mode": "0644", "month": "2026-11", "more": 20,
    "most": 64, "name": code("s1"), "named": code("b.db"), "names": code("s1"), "needed": "0043",
    "nickname": code("prod"), "node": _NODE, "nodes": _NODE, "now": "3", "number": 2,
    "numbers": "1287", "of": 3, "order": 1287, "orders": 1287, "other": code("a.db"),
    "over": Phrase("is no longer on the chain"), "overdue": 1, "owner": _ALICE, "part": "2G",
    "pattern": "^OPS-", "people": _BOB, "percent": 40, "person": _ALICE, "place": code(".env"),
    "port": 5684, "ports": "5684", "prefix": 0, "price": "12 DBC", "problem": _WHY,
    "product": "nginx", "protocol": code("tcp"), "proxy": code("HTTPS_PROXY"), "reason": _WHY,
    "refusal": _RETRY, "renter": code("5F…abcd"), "request": "vm restart inference",
    "requester": _ALICE, "restore": code("python -m bot restore"), "revision": "0043",
    "row": Phrase("session"), "rows": Phrase("session"), "rule": "nights",
    "rules": command("doctor"), "said": "no", "schema": "0042", "scope": code("chat:write"),
    "scopes": code("chat:write"), "seconds": 40, "seen": _AT, "seq": 4711, "server": code("hub"),
    "servers": code("hub"), "setting": code("POLICY_FILE"), "share": command("session share"),
    "shm": "bot.db-shm", "sign": command("session sign"), "signer": code("5G…wxyz"), "size": "18G",
    "snapshot": code("s1"), "spent": "90 DBC", "state": "running", "status": "running",
    "steps": _LATER, "system": code("linux"), "target": line(_MACHINE, " · ", _NODE),
    "team": "Acme", "text": "no such file", "threshold": 2, "time": _AT, "times": 3,
    "title": "Restart", "told": _RETRY, "type": "text/html", "unknown": 1, "until": _AT,
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
