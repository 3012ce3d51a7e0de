"""The audit, for people: what happened, who did it, what came of it (docs/audit.md)."""

from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from bot.clock import shown
from bot.commands.audit_filters import (
    Before,
    CameOf,
    Since,
    Until,
    What,
    Which,
    Who,
    about_machine,
    commands_of,
    outcome_meant,
    person_meant,
)
from bot.commands.audit_rows import told
from bot.errors import BotError, Refused
from bot.ids import UserId, new_id
from bot.language.args import NODE_OPTION
from bot.language.kind import Arg
from bot.language.kinds import CHOICE
from bot.language.table import Command, Group
from bot.language.times import moment
from bot.model import AuditEntry, AuditQuery, AuditRow
from bot.pipeline.context import Context
from bot.pipeline.formatting import short
from bot.ports import LARGEST_FILE, DeliveryFailed, RightsUnknown
from bot.reply import (
    Reply,
    Row,
    Rows,
    say,
    say_number,
)
from bot.reviews.audit_file import Form

PAGE = 10  # so that a message holds them all and the way to older ones
_LONG_ID = 20  # a machine's id has 20 characters at least, a node's 64


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
    listed = []
    for row in shown:
        machine, on = _typed(ctx, row.entry)
        node = await ctx.services.inventory.label(row.node) if row.node else on
        listed.append(Row(told(row, machine, node), _by_name(row, machine, node)))
    reply = Reply(say("Audit, newest first"), (Rows(tuple(listed)),), private=True)
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
            person=UserId(person_meant(wanted.person, ctx.actor)),
            commands=await commands_of(ctx, wanted.command) if wanted.command.strip() else nothing,
            outcome=outcome_meant(wanted.outcome),
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
