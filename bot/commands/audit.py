"""The audit, for people: what happened, who did it, what came of it (docs/audit.md)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import accumulate
from tempfile import TemporaryFile
from textwrap import shorten
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from bot.clock import shown
from bot.commands.audit_filters import about_machine, commands_of
from bot.errors import BotError, Refused
from bot.folding import narrow, plain
from bot.ids import UserId, new_id
from bot.language.args import NODE_OPTION
from bot.language.kind import Arg
from bot.language.kinds import CHOICE, INT, MOMENT
from bot.language.table import Command, Group
from bot.language.times import moment, spoken, spoken_end
from bot.messages.cards import people_line
from bot.model import AuditEntry, AuditKind, AuditQuery, AuditRow, ExecutionStatus
from bot.pipeline.context import Context
from bot.pipeline.formatting import short
from bot.ports import LARGEST_FILE, DeliveryFailed, RightsUnknown
from bot.reply import (
    Line,
    Phrase,
    Reply,
    Row,
    Rows,
    Span,
    bold,
    catalogue,
    channel,
    code,
    line,
    listed,
    mention,
    retold,
    say,
    say_number,
    sentences,
    time,
)
from bot.reply import plain as said_in
from bot.reviews.audit_file import Form

_WHY = 120  # characters of a reason; all of it is in an export
_SOUGHT = 600  # those of one in which our own sentences are looked for, which costs time
PAGE = 10  # so that a message holds them all and the way to older ones
_LONG_ID = 20  # a machine's id has 20 characters at least, a node's 64
# Of these the entry names the requester; whose doing it is stands in its details.
_FOLLOWS = frozenset({AuditKind.ASKED, AuditKind.STARTED, AuditKind.ENDED})
_WORDS: Mapping[str, Phrase] = {
    AuditKind.ASKED: say("put to review"),
    AuditKind.SHOWN_ANEW: say("updated the card of"),
    AuditKind.APPROVED: say("approved"),  # one voice; the end has the outcome
    AuditKind.DENIED: say("denied"),
    AuditKind.VOTE_FELL: say("no longer counts on"),
    AuditKind.VOTE_WITHDRAWN: say("withdrew their vote on"),
    AuditKind.EXPIRED: say("review expired"),
    AuditKind.VOIDED: say("review voided"),
    AuditKind.REQUESTED: say("requested"),
    AuditKind.CLICK_REFUSED: say("click refused"),
    AuditKind.JOINED: say("requested the same as"),
    AuditKind.CANCELLED: say("cancelled"),
    AuditKind.BROKE_GLASS: say("broke glass"),
    AuditKind.REVIEWED: say("reviewed"),
    AuditKind.STARTED: say("started"),
    AuditKind.SESSION_ADDED: say("session added"),
    AuditKind.SESSION_REMOVED: say("session removed"),
    AuditKind.SESSION_SHARED: say("session shared"),
    AuditKind.SESSION_UNSHARED: say("session unshared"),
    AuditKind.ACCESS_REQUESTED: say("requested access"),
    AuditKind.ACCESS_DECLINED: say("declined access"),
    AuditKind.ACCESS_EXPIRED: say("access request expired"),
    AuditKind.SESSION_USED: say("session used"),
    AuditKind.READ_DENIED: say("read denied"),
    AuditKind.POLICY_LOADED: say("policy loaded"),
    AuditKind.POLICY_FAULTY: say("policy faulty"),
    AuditKind.KEYS_ROTATED: say("keys rotated"),
    AuditKind.FROZEN: say("frozen"),
    AuditKind.UNFROZEN: say("unfrozen"),
    AuditKind.FORGOTTEN: say("forgotten"),
    AuditKind.RESTORED: say("restored"),
}
_ENDS: Mapping[str, Phrase] = {
    ExecutionStatus.DONE: say("done"),
    ExecutionStatus.FAILED: say("failed"),
    ExecutionStatus.UNKNOWN: say("unknown"),
    ExecutionStatus.REFUSED: say("refused"),
    ExecutionStatus.DENIED: say("denied"),
    ExecutionStatus.CANCELLED: say("cancelled"),
    ExecutionStatus.EXPIRED: say("expired"),
    ExecutionStatus.VOIDED: say("voided"),
}
_IN_CHINESE = {
    "完成": ExecutionStatus.DONE,
    "失败": ExecutionStatus.FAILED,
    "未知": ExecutionStatus.UNKNOWN,
    "拒绝": ExecutionStatus.DENIED,
    "取消": ExecutionStatus.CANCELLED,
    "过期": ExecutionStatus.EXPIRED,
}
OUTCOMES = tuple(dict.fromkeys((*ExecutionStatus, *AuditKind)))
# Their reason is a person's.
_THEIR_WORDS = frozenset(
    {
        AuditKind.REQUESTED, AuditKind.DENIED, AuditKind.APPROVED, AuditKind.BROKE_GLASS,
        AuditKind.CANCELLED, AuditKind.FROZEN, AuditKind.UNFROZEN, AuditKind.JOINED,
        ExecutionStatus.DENIED, ExecutionStatus.CANCELLED,
    }
)  # fmt: skip
_WHOSE = {"of": say("of {who}"), "with": say("with {who}"), "in": say("in {who}")}
# Whoever is asked for access, or denied it, has no part in a session yet.
_WHOSE_ACCESS: Mapping[tuple[str, str], Phrase] = {
    (AuditKind.ACCESS_REQUESTED, "of"): say("from {who}"),
    (AuditKind.ACCESS_DECLINED, "with"): say("to {who}"),
}
_CODES = {
    "decided": say("too late, it was decided already"),
    "expired": say("too late, it had expired"),
    "voted": say("had decided on it before"),
}
_FORMERLY = re.compile(r"(denied|cancelled|expired|void) by (\w+)")
# As people type them, and as our own sentences are stored.
_MENTIONED = re.compile(r"<[@#]([A-Z0-9]+)(?:\|[^>]*)?>|@([UW][A-Z0-9]{2,})\b")
_PERSON = re.compile(r"<?@?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?")


def _spoken_of(text: str) -> str:
    """Whom a sentence names by a mention."""
    found = _SPOKEN_OF.search(text)
    return f"@{found[1].upper()}" if found else ""


def _spoken_outcome(text: str) -> str:
    """What became of what a sentence asks for."""
    found = _SPOKEN_OUTCOME.search(text)
    return (found["en"] or _OUTCOMES[found["zh"]]) if found else ""


_SPOKEN_OF = re.compile(r"@([uw][a-z0-9]{2,})\b")
_OUTCOMES = {"失败": "failed", "拒绝": "denied"}
_SPOKEN_OUTCOME = re.compile(r"\b(?P<en>failed|denied|unknown|expired)\b|(?P<zh>失败|拒绝)")

Who = Annotated[
    str,
    Arg(say("Person"), hint=say("What they did or asked for: @alice, or me"), spoken=_spoken_of),
]
Which = Annotated[
    str,
    Arg(
        say("Machine"),
        hint=say("Name, a word of it, task id, or the beginning of one"),
        word="machine",
    ),
]
What = Annotated[
    str, Arg(say("Command"), hint=say("Like vm, restart or “vm restart”"), narrow=True)
]
CameOf = Annotated[
    str,
    Arg(
        say("Outcome"),
        hint=say("Like done, failed, unknown, denied, requested"),
        spoken=_spoken_outcome,
    ),
]
Since = Annotated[
    str,
    Arg(
        say("Since"),
        MOMENT,
        hint=say("2h, yesterday, 2026-11-01, 2026-11-01T18:30"),
        narrow=True,
        spoken=spoken,
    ),
]
Until = Annotated[
    str,
    Arg(
        say("Until"),
        MOMENT,
        hint=say("As since; a day is included"),
        narrow=True,
        spoken=spoken_end,
    ),
]
Before = Annotated[int, Arg(say("Before"), INT, say("Only rows before this number"), least=1)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to see, as typed."""

    person: UserId
    vm: str
    command: str
    outcome: str
    since: str
    until: str


async def list_audit(
    ctx: Context,
    *,
    person: Who = "",
    vm: Which = "",
    command: What = "",
    outcome: CameOf = "",
    since: Since = "",
    until: Until = "",
    before: Before | None = None,
) -> Reply:
    """List what was requested, decided and done, newest first."""
    wanted = Wanted(UserId(person), vm, command, outcome, since, until)
    query = await _query(ctx, wanted)
    rows = await ctx.services.audit.page(query, before=before, limit=PAGE + 1)
    if not rows:
        return Reply.empty(say("Nothing that you may read fits."), private=True)
    shown = rows[:PAGE]
    told = []
    for row in shown:
        machine, on = _typed(ctx, row.entry)
        node = await ctx.services.inventory.label(row.node) if row.node else on
        told.append(Row(_told(row, machine, node), _by_name(row, machine, node)))
    reply = Reply(say("Audit, newest first"), (Rows(tuple(told)),), private=True)
    if len(rows) > PAGE:
        last = str(shown[-1].seq)
        reply = replace(reply, older=("before", last))
    return reply


def _by_name(row: AuditRow, machine: str, node: str) -> dict[str, Any]:
    """What the list says of a row, by name; an export has all of it."""
    entry = row.entry
    return {
        "seq": row.seq,
        "recorded_at": entry.at,
        "user": entry.actor or None,
        "kind": str(entry.kind),
        "outcome": entry.outcome or None,
        "command": entry.command.replace(".", " ") or None,
        "machine": machine or None,
        "task": entry.task or None,
        "node": node or None,
        "node_id": row.node or None,
        "reason": entry.reason or None,
    }


async def export(
    ctx: Context,
    *,
    person: Who = "",
    vm: Which = "",
    command: What = "",
    outcome: CameOf = "",
    since: Since = "",
    until: Until = "",
    format: Annotated[  # noqa: A002 - it is what people type
        str, Arg(say("Format"), CHOICE, say("JSON Lines or CSV"), choices=("csv", "jsonl"))
    ] = "csv",
) -> Reply:
    """Send you the audit as a file, in a direct message."""
    query = await _query(ctx, Wanted(UserId(person), vm, command, outcome, since, until))
    with TemporaryFile() as file:
        form: Form = "csv" if format == "csv" else "jsonl"
        count = await ctx.services.audit.export(query, form, file, LARGEST_FILE)
        data = {"rows": count, "format": format}
        if not count:
            return Reply.of(say("Nothing that you may read fits."), private=True, data=data)
        messenger = ctx.services.messenger
        try:
            place = await messenger.direct(ctx.actor)
            day = f"{shown(ctx.services.clock, ctx.now):%Y-%m-%d}"
            await messenger.upload(place, f"audit-{day}-{new_id()[:6]}.{format}", file)
        except DeliveryFailed as failed:
            raise BotError(
                say("Slack did not take the file: {reason}.", reason=failed.reason),
                hint=say("Try again in a minute."),
            ) from None
    return Reply.of(
        say_number(
            "Sent {number} audit row to you in a direct message.",
            "Sent {number} audit rows to you in a direct message.",
            count,
        ),
        private=True,
        data=data,
    )


async def _query(ctx: Context, wanted: Wanted) -> AuditQuery:
    try:
        who = await ctx.services.directory.person(ctx.actor)
        if not who.is_full_member:
            raise Refused(say("Only full members of this workspace can read the audit."))
        zone, now = ZoneInfo(who.zone), shown(ctx.services.clock, ctx.now)
        nothing = frozenset[str]()
        query = AuditQuery(
            person=UserId(_person(wanted.person, ctx.actor)),
            commands=await commands_of(ctx, wanted.command) if wanted.command.strip() else nothing,
            outcome=_outcome(wanted.outcome),
            since=moment(wanted.since, now, zone) if wanted.since else None,
            until=moment(wanted.until, now, zone, end=True) if wanted.until else None,
            hidden_nodes=await ctx.hidden(),
        )
        query = await ctx.services.audit.readable_by(ctx.actor, ctx.place.channel, query)
        return await about_machine(ctx, query, wanted.vm) if wanted.vm.strip() else query
    except RightsUnknown:  # it is begun again once Slack says who that is
        raise
    except DeliveryFailed as failed:
        raise BotError(
            say("Slack did not say who you are: {reason}.", reason=failed.reason),
            hint=say("Try again in a minute."),
        ) from None


def _person(typed: str, actor: UserId) -> str:
    if not typed.strip():
        return ""
    if plain(typed) == "me":
        return actor
    found = _PERSON.fullmatch(narrow(typed))
    if found is None:
        raise Refused(
            say("I know nobody called “{typed}”.", typed=typed),
            hint=say("Mention the person: person=@alice"),
        )
    return found[1]


@cache
def _in_chinese() -> Mapping[str, str]:
    """Outcomes as people say them in Chinese, and as a list shows them."""
    shown = {
        plain(said_in(said, catalogue("zh"))): str(kind)
        for kind, said in (*_WORDS.items(), *_ENDS.items())
    }
    return shown | {said: str(outcome) for said, outcome in _IN_CHINESE.items()}


def _outcome(typed: str) -> str:
    word = plain(typed).replace(" ", "_")
    word = _in_chinese().get(word, word)
    if word and word not in OUTCOMES:
        known = listed(one.replace("_", " ") for one in OUTCOMES)
        raise Refused(
            say("There is no outcome “{typed}”.", typed=typed),
            hint=say("There are: {known}.", known=known),
        )
    return word


def _typed(ctx: Context, entry: AuditEntry) -> tuple[str, str]:
    """The machine and the node in the words of the reader: nothing else may be known of them."""
    command = ctx.services.table.get(entry.command)
    machine = node = ""
    for parameter in command.parameters if command else ():
        text = entry.arguments.get(parameter.name, "")
        said = short(text) if len(text) >= _LONG_ID else text
        if parameter.arg.kind.is_machine:
            machine = said or machine
        elif parameter.arg.kind.is_node:
            node = said or node
    return machine, node or entry.arguments.get(NODE_OPTION, "")


def _told(row: AuditRow, typed: str, node: str) -> Line:
    """One row on two lines: how it ended, what, to what; when, by whom, and why. People, not ids.

    What somebody looks for comes first: on a phone the eye runs down one edge.
    """
    entry = row.entry
    known = _WORDS.get(entry.kind, str(entry.kind).replace("_", " "))
    word = bold(_ENDS.get(entry.outcome, entry.outcome) if entry.outcome else known)
    return line(word, _about(row, typed, node), "\n", _when_and_who(row))


def _when_and_who(row: AuditRow) -> Line:
    entry, details = row.entry, row.entry.details
    reason, people = _by_whom(entry)
    pieces: list[Line | Span | Phrase | str] = [code(str(row.seq)), " ", time(entry.at)]
    if entry.kind not in _FOLLOWS and entry.actor:
        pieces += [" · ", mention(entry.actor)]
    if people:
        pieces += [" ", say("by {people}", people=people_line(people))]
    if requester := _requester(entry):
        pieces += [say(", requested by {user}", user=mention(requester))]
    if approvers := details.get("approved_by"):
        pieces += [say(", approved by {people}", people=people_line(approvers))]
    for preposition, words in _WHOSE.items():
        if whom := details.get(preposition):
            of = _WHOSE_ACCESS.get((str(entry.kind), preposition), words)
            pieces += [" ", of.filled(partial(_whom, whom))]
    if entry.kind is AuditKind.REQUESTED and _is_channel(entry.place.channel):
        pieces += [" ", say("in {channel}", channel=channel(entry.place.channel))]
    if why := reason or _CODES.get(details.get("why", ""), details.get("why", "")):
        told = _why(entry, why) if isinstance(why, str) else why
        return line(say("{what}: {why}", what=line(*pieces), why=told))
    return line(*pieces)


def _why(entry: AuditEntry, reason: str) -> Line:
    """A reason, shortened: a person's as they wrote it, ours in the reader's language."""
    is_ours = entry.kind not in _THEIR_WORDS and entry.outcome not in _THEIR_WORDS
    is_sought = is_ours and len(reason) <= _SOUGHT and not _MENTIONED.search(reason)
    parts = retold(reason) if is_sought else [reason]
    if not any(isinstance(part, Phrase) for part in parts):
        return _with_people(shorten(reason, _WHY, placeholder=" …"))
    return _first(parts)


def _first(parts: Sequence[Phrase | str]) -> Line:
    """The first sentences, whole: no language is cut like another."""
    ends = list(accumulate(len(said_in(part)) + 1 for part in parts))
    kept = max(1, sum(end <= _WHY + 1 for end in ends))
    told = sentences(
        shorten(part, _WHY, placeholder=" …") if isinstance(part, str) else part
        for part in parts[:kept]
    )
    return line(told, " …") if kept < len(parts) else told


def _about(row: AuditRow, typed: str, node: str) -> Line:
    told: list[Span | str] = []
    if row.entry.command:
        told += [" ", code(row.entry.command.replace(".", " "))]
    if machine := row.label or short(row.task) or typed:
        told += [" ", machine]
    return line(*told, " ", say("on {node}", node=node)) if node else line(*told)


def _by_whom(entry: AuditEntry) -> tuple[str, list[UserId]]:
    """The reason in words and who decided; a former version wrote them into one sentence."""
    if entry.kind is AuditKind.ENDED and (former := _FORMERLY.fullmatch(entry.reason)):
        word, user = former.groups()
        return "" if word == entry.outcome else word, [UserId(user)] if user != "nobody" else []
    if entry.kind is AuditKind.BROKE_GLASS:
        return entry.arguments.get("break_glass", ""), []
    return entry.reason, [UserId(one) for one in entry.details.get("decided_by", ())]


def _named(identifier: str) -> Span:
    return channel(identifier) if _is_channel(identifier) else mention(UserId(identifier))


def _requester(entry: AuditEntry) -> UserId:
    """Who requested what the entry is about, where the bot itself did this."""
    if entry.kind in _FOLLOWS:
        return entry.actor
    return UserId(entry.details.get("by", "") if entry.kind == AuditKind.ACCESS_EXPIRED else "")


def _whom(whom: str | Sequence[str], _name: str) -> Line:
    return listed(line(_named(one)) for one in ([whom] if isinstance(whom, str) else whom))


def _is_channel(identifier: str) -> bool:
    return identifier.startswith(("C", "G"))


def _with_people(text: str) -> Line:
    """A text with the people and channels that it mentions by their names."""
    pieces: list[str | Span] = []
    last = 0
    for found in _MENTIONED.finditer(text):
        pieces += [text[last : found.start()], _named(found[1] or found[2])]
        last = found.end()
    return line(*pieces, text[last:])


GROUP = Group(
    "audit",
    say("Who requested, approved and did what"),
    (
        Command(
            "list",
            list_audit,
            example="audit list machine=train-01 since=2h",
            synonyms=("ls",),
            spans_nodes=True,
            chinese="列表 列出",
            does=say("Search the audit"),
        ),
        Command(
            "export",
            export,
            example="audit export since=yesterday format=csv",
            spans_nodes=True,
            chinese="导出",
            does=say("Export the audit"),
        ),
    ),
)
