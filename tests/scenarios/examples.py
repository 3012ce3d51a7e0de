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
_APPROVE, _DESCRIPTION = bold(Phrase("Approve")), Phrase("the description")
_REQUEST = Phrase("Restart {machine} on {node}", (("machine", _MACHINE), ("node", _NODE)))
_TAKEN = Phrase("This form was taken when you sent it first; what you changed since was not.")


def _several(one: str, several: str, number: int) -> Phrase:
    return Phrase(one, (("number", number),), several, number)


_ENDED = _several("{number} done", "{number} done", 2)
_VALUES: dict[str, Value] = {
    "Node": _NODE, "actor": _ALICE, "add": command("session add gpu1"),
    "advice": Phrase("Make room."),
    "after": 200, "alias": code("boxes"), "all": 5, "amount": "12 DBC", "answer": "vm is running",
    "answered": "not in list", "approval": code("7a9Qx2Lk"), "approvers": _BOB,
    "argument": code("--before"), "ask": command("session ask gpu1"), "at": _AT, "audience": _BOB,
    "audiences": _BOB, "before": "1", "begins": _AT, "block": 4711, "body": code("vm list gpu1"),
    "bot": mention(UserId("U0DBC")), "button": _APPROVE, "by": _ALICE, "called": "SSH",
    "change": "cpu_cores 16", "changed": _DESCRIPTION, "changes": "cpu_cores 16",
    "channel": channel("C0GPUOPS"), "channels": channel("C0GPUOPS"), "check": command("doctor"),
    "choices": code("tcp"), "cidr": code("10.0.0.0/24"), "code": -7, "column": code("deed"),
    "command": command("vm list"), "copy": code("python -m bot copy-to-postgresql"),
    "cores": _several("{number} core", "{number} cores", 16), "count": 3, "current": "0042",
    "data_dir": code("/data"), "day": "2026-11-02", "delete": command("vm delete inference"),
    "deleted": _RETRY, "device": code("disk"),
    "direction": Phrase("download"), "directory": code("/data"), "disk": code("vdb"),
    "disks": code("vdb"), "done": _DESCRIPTION,
    "doubt": Phrase("{nodes} did not answer.", (("nodes", _NODE),)), "down": 1, "duration": "4 min",
    "early": _AT, "end": _AT, "ended": _ENDED, "ends": _AT, "entry": "restart task: ok",
    "event": code("tick.failed"), "example": code("2h"), "fact": Phrase("Disks"),
    "facts": Phrase("Disks"), "failed": _WHY, "fault": _WHY, "field": code("cpu_cores"),
    "field_1": code("port"), "field_2": code("ssh_port"), "field_3": code("vnc_port"),
    "file": code("ubuntu.qcow2"), "files": code("s1.qcow2"), "first": 1, "flag": code("--file"),
    "follow": command("watch list"), "found": 1, "free": 2, "from": _NODE, "gateway": code("nginx"),
    "given": 1, "gpus": _several("{number} GPU", "{number} GPUs", 2), "group": command("help vm"),
    "groups": "oncall", "has": "12 GiB", "hash": code("4be1"), "help": command("vm delete"),
    "host": code("slack.com"), "hour": "09:00", "hours": 8, "how": _ENDED, "id": code("3fa9"),
    "image": code("ubuntu.qcow2"), "journal": code("bot.db-wal"), "key": code("SLACK_BOT_TOKEN"),
    "keys": "2", "kind": "Timeout", "known": code("done"), "label": _MACHINE,
    "language": Phrase("English"), "last": 20, "late": _AT, "later": _LATER, "least": 16,
    "left": "4 min", "limit": "100 DBC", "line": 7,
    "lines": _several("{number} line", "{number} lines", 200), "listed": code("hub"),
    "locale": "fr-FR", "longest": 64, "lost": 1, "machine": _MACHINE, "machines": _MACHINE,
    "manager": _NODE, "mark": ":lock:", "meant": code("POLICY_FILE"), "mem": 64, "mend": _RETRY,
    "method": code("chat.update"), "minutes": 5, "mode": "0644", "month": "2026-11", "more": 20,
    "most": 64, "name": code("s1"), "named": code("b.db"), "names": code("s1"), "needed": "0043",
    "networks": 2, "nickname": code("prod"), "node": _NODE, "nodes": _NODE,
    "notifications": command("settings notifications"), "now": "3", "number": 2, "numbers": "1287",
    "of": 3, "off": command("vm shutdown inference"), "option": code("--force"),
    "options": code("--file"), "order": 1287, "orders": 1287, "other": code("a.db"),
    "others": bold("gpu2"), "over": Phrase("is no longer on the chain"), "overdue": 1,
    "owner": _ALICE, "part": "2G", "password": code("hunter2"), "path": code("/data/vdb.qcow2"),
    "pattern": "^OPS-", "people": _BOB, "percent": 40, "person": _ALICE, "place": code(".env"),
    "port": 5684, "ports": "5684", "power": Phrase("power off"), "poweroff": command("vm poweroff"),
    "prefix": 0, "present": code("vdb"), "price": "12 DBC", "problem": _WHY, "product": "nginx",
    "protocol": code("tcp"), "proxy": code("HTTPS_PROXY"), "put": _AT,
    "question": _REQUEST, "reason": _WHY, "refusal": _RETRY,
    "remove": command("session remove gpu1"),
    "rentals": _several("{number} rental", "{number} rentals", 2), "renter": code("5F…abcd"),
    "request": _REQUEST, "requester": _ALICE, "requests": _REQUEST,
    "restart": command("vm restart"), "restore": code("python -m bot restore"), "reviewer": _BOB,
    "revision": "0043", "row": Phrase("session"), "rows": Phrase("session"), "rule": "nights",
    "rules": command("doctor"), "said": "no", "schema": "0042", "scope": code("chat:write"),
    "scopes": code("chat:write"), "second": "32", "seconds": 40, "section": code("break_glass"),
    "seen": _AT, "seen_at": _AT,
    "sees": _several("it sees {number} machine", "it sees {number} machines", 2), "seq": 4711,
    "server": code("hub"), "servers": code("hub"), "session": command("session list"),
    "setting": code("POLICY_FILE"), "share": command("session share"), "shm": "bot.db-shm",
    "shown": "1", "sign": command("session sign"), "signer": code("5G…wxyz"), "since": _AT,
    "size": "18G", "snapshot": code("s1"), "spent": "90 DBC", "stands_for": code("vm list gpu1"),
    "state": "running", "status": "running", "steps": _LATER, "stop": command("image stop"),
    "system": code("linux"), "taken": _TAKEN, "target": line(_MACHINE, " · ", _NODE),
    "team": "Acme", "text": "no such file", "threshold": 2, "time": _AT, "times": 3,
    "title": "Restart", "told": _RETRY, "tool": "timeout", "type": "text/html", "typed": "lsit",
    "unit": " GiB", "unknown": 1, "until": _AT, "untried": _NODE,
    "url": code("http://10.0.0.1:8080"), "usage": command("vm list"), "used": 2, "user": _ALICE,
    "users": Phrase("Known to use it: {machines}.", (("machines", _MACHINE),)),
    "uuid": code("4c4c4544"), "value": 8, "values": "16", "version": "26.2", "wal": "bot.db-wal",
    "wallet": code("5F…abcd"), "wanted": 10, "watch": "1287", "way": command("vm logs inference"),
    "what": "vm list", "when": _AT, "where": code("10.0.0.1:8080"), "which": 2, "who": _ALICE,
    "whole": "18G", "whom": _BOB, "whose": _ALICE, "why": _WHY, "word": code("ubuntu"),
    "words": code("head, tail"), "works": 2, "zone": "Asia/Shanghai",
}  # fmt: skip
_NUMBERS = (1, 3)
# What a name stands for where a template says so: the first that is found in it.
_WHERE: dict[str, tuple[tuple[str, Value], ...]] = {
    "file": (
        ("key file", code("credential.key")),
        ("rule", code("policy.toml")),
        ("{file} in {directory}", code("s1.qcow2")),
        ("Install", code("requirements-otel.txt")),
        ("snapshot", code("s1.qcow2")),
        ("image", code("ubuntu.qcow2")),
        ("Line {line}", code(".env")),
        ("the environment", code(".env")),
        ("last one in", code(".env")),
        ("", code("bot.db")),
    ),
    "field": (
        ("Name others in", code("approvers")),
        ("wallet", code("wallet")),
        ("signature", code("signature")),
        ("signed", code("signature")),
        ("threshold", code("multisig_wallets")),
        ("another network", code("wallet")),
        ("hexadecimal digits, and DBC", code("nonce")),
        ("64 digits", code("node")),
        ("20 to 22 letters", code("vm")),
        ("6 to 10 letters", code("network")),
        ("IPv4 range", code("cidr")),
        ("one address", code("cidr")),
        ("239", code("groups")),
        ("rules of five", code("rules")),
        ("ports from", code("ports")),
        ("tcp,123", code("ports")),
        ("protocols", code("rules")),
        ("vda", code("disk")),
        ("disk such", code("disk")),
        ("IPv4", code("public_ip")),
        ("directory", code("dir")),
        ("file name", code("image")),
        ("“ubuntu”", code("secret")),
        ("verbs", code("name")),
        ("reads as a command", code("name")),
        ("dots", code("name")),
        ("pxe", code("disk")),
        ("public IP", code("ssh_port")),
        ("GiB", code("mem")),
        ("dashes only", code("user")),
        ("word of letters", code("user")),
        ("rule", code("approvers")),
        ("damaged", code("arguments")),
        ("version does not know", code("goal")),
    ),
    "reason": (
        ("did not say", "ratelimited"),
        ("app-level token", "invalid_auth"),
        ("bot token", "token_revoked"),
        ("lacks", "missing_scope"),
        ("Slack", "channel_not_found"),
        ("Reason", "disk is full"),
    ),
    "why": (("frozen", "network outage"), ("has frozen", "network outage")),
    "option": (("reason", code('break_glass="…"')), ("glass", code('break_glass="…"'))),
    "column": (("", code("status")),),
}


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
    parsed = [(text, name) for text, name, _, _ in Formatter().parse(template)]
    behind = [text for text, _ in parsed[1:]] + [""]
    found = {
        name: _value(template, name, text, after)
        for (text, name), after in zip(reversed(parsed), reversed(behind), strict=True)
        if name is not None and name != besides
    }
    yield from reversed(found.items())


def _value(template: str, name: str, before: str, after: str) -> Value:
    """The value; what it is depends on the place: a sentence, a part of one, or an amount."""
    value = _VALUES.get(name, f"‹{name}›")
    for words, meant in _WHERE.get(name, ()):
        if words in template:
            return meant
    if after.startswith(" GiB"):
        return 64
    if value is _WHY and before.endswith(". "):
        return _RETRY
    if value is _RETRY and after[:1] in {".", ",", ";", ":"}:
        return _WHY
    return value
