"""The doctor in Slack: how the bot is and what it needs, for the operators whom the rules name."""

from collections import Counter

from bot.commands.named import require_named
from bot.errors import Denied
from bot.language.table import Command
from bot.model import AuditEntry, AuditKind
from bot.monitoring.findings import Finding, Level
from bot.pipeline.context import Context
from bot.reply import Phrase, Reply, Row, Rows, as_phrase, bold, line, listed, say, say_number
from bot.services.remembering import note_denied


async def doctor(ctx: Context) -> Reply:
    """Look at Slack, the database, the keys, the rules and the DBC daemons, for operators."""
    try:
        await require_named(ctx, say("You may not see how the bot is."))
    except Denied as denied:
        await _note(ctx, denied)
        raise
    found = await ctx.services.checkup.looked()
    worst_first = sorted(found, key=lambda one: -one.level.code)
    rows = tuple(Row(one.shown, one.record()) for one in worst_first)
    told = as_phrase(listed(_counts(found)))
    return Reply(told, (Rows(rows, line(bold(told))),), private=True)


async def _note(ctx: Context, denied: Denied) -> None:
    """Who tries what is not theirs is in the audit; what only reads is not in the ledger."""
    await note_denied(
        ctx.services.store,
        AuditEntry(
            AuditKind.READ_DENIED, ctx.now, ctx.actor, ctx.command,
            place=ctx.place, reason=denied.sentence,
        ),
    )  # fmt: skip


def _counts(found: list[Finding]) -> list[Phrase]:
    """`1 fault`, `2 warnings`, or that there is nothing to do."""
    many = Counter(one.level for one in found)
    told = []
    if faults := many[Level.FAULT]:
        told.append(say_number("{number} fault", "{number} faults", faults))
    if warnings := many[Level.WARNING]:
        told.append(say_number("{number} warning", "{number} warnings", warnings))
    return told or [say("All is well")]


COMMANDS = (
    Command(
        "doctor",
        doctor,
        example="doctor",
        spans_nodes=True,
        chinese="自检 体检",
        does=say("Look at how the bot is"),
    ),
)
