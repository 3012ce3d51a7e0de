"""The freeze: those whom the rules name stop all changes of machines, and let them go on."""

from collections.abc import Mapping
from typing import Annotated

from bot.commands.named import refuse_unnamed, require_named
from bot.errors import Refused
from bot.folding import plain
from bot.ids import ChannelId, ExecutionId, UserId
from bot.language.kind import Arg
from bot.language.kinds import WHY
from bot.language.mood import NOTHINGS, Mood, mood_of
from bot.language.table import Command
from bot.model import AuditEntry, AuditKind, Effect, Freeze, Place
from bot.pipeline.context import Context, Services
from bot.reply import Heading, Note, Para, Reply, Text, dump, emoji, line, mention, say
from storage import UnitOfWork

_SHORT = 8  # characters of an id that people read and type

_NOT_YOURS = say("You may not freeze changes or lift a freeze.")

Why = Annotated[
    str, Arg(say("Why"), WHY, say("Everybody who is held back reads it"), "network outage")
]


async def freeze(ctx: Context, why: Why) -> Reply:
    """Stop all changes of machines until somebody lifts the freeze."""
    await _require_right(ctx)
    started = Freeze(ctx.actor, why, ctx.now)
    sentence = say("{person} froze all changes: {why}", person=mention(ctx.actor), why=why)
    told = Reply(
        sentence,
        (
            Heading(say("All changes are frozen")),
            Para(line(emoji("ice_cube"), " ", sentence)),
            Note(line(_what_stands(ctx.services))),
        ),
    )
    async with ctx.services.store.write() as tx:
        if not await tx.freezes.begin(started):
            raise _frozen_already(await tx.freezes.find())
        await _announce(ctx, tx, AuditKind.FROZEN, told, why)
    return told


def _what_stands(services: Services) -> Text:
    glass = services.reviews.reviewers.rules.glass
    if not any(people.is_anybody for people in glass):
        return say(
            "Nothing is sent to machines, not even what is already approved. What is in progress "
            "goes on."
        )
    return say(
        "Nothing is sent to machines, not even what is already approved. What is in progress goes "
        "on, and whoever may break the glass still can."
    )


async def unfreeze(ctx: Context) -> Reply:
    """Lift the freeze: changes are sent again."""
    await _require_right(ctx)
    sentence = say("{person} lifted the freeze. Changes run again.", person=mention(ctx.actor))
    told = Reply(
        sentence,
        (
            Heading(say("The freeze is lifted")),
            Para(line(emoji("white_check_mark"), " ", sentence)),
            Note(line(say("What was held back meanwhile has to be requested again."))),
        ),
    )
    async with ctx.services.store.write() as tx:
        if not await tx.freezes.lift():
            raise Refused(say("Changes are not frozen."))
        await _announce(ctx, tx, AuditKind.UNFROZEN, told, "")
    return told


async def _require_right(ctx: Context) -> None:
    await require_named(ctx, _NOT_YOURS)


async def _require_right_first(ctx: Context, **_given: object) -> Mapping[str, str]:
    """Raise Denied for who may not, before anything is asked."""
    await _require_right(ctx)
    return {}


async def _may_be_named(services: Services, user: UserId, _place: Place) -> None:
    """Raise Denied where the rules surely do not name this person."""
    refuse_unnamed(services, user, "freeze", _NOT_YOURS)


def _frozen_already(known: Freeze | None) -> Refused:
    person = mention(known.person) if known else ""
    return Refused(
        say(
            "{person} has frozen all changes already: {why}",
            person=person,
            why=known.why if known else "",
        )
    )


async def _announce(ctx: Context, tx: UnitOfWork, kind: AuditKind, told: Reply, why: str) -> None:
    """Record it and its end, and say it where the rules want it said, with the change itself."""
    execution = ctx.execution
    key = f"{kind}:{execution.id if execution else ctx.now.isoformat()}"
    entry = AuditEntry(
        kind, ctx.now, ctx.actor, ctx.command,
        execution=execution.id if execution else ExecutionId(""), reason=why, place=ctx.place,
    )  # fmt: skip
    tx.audit.append(entry)
    channel = ctx.services.reviews.reviewers.rules.freeze.channel
    if channel and channel != ctx.place.channel:
        await tx.messages.put(key, Place(ChannelId(channel)), dump(told), ctx.now)
    if ctx.ends is not None:
        await ctx.ends(tx, told)


async def _may_mean_one(services: Services, values: Mapping[str, str]) -> bool:
    """Whether the reason reads like one machine, a command or a no: a freeze stops all of them."""
    words = [word for word in (plain(one) for one in values.get("why", "").split()) if word]
    if words and (NOTHINGS.issuperset(words) or mood_of(words) is Mood.REFUSAL):
        return True
    table = services.table
    group = table.group(words[0]) if words else None
    if group is not None and (len(words) == 1 or table.find(group.name, words[1]) is not None):
        return True
    if group is not None and group.name == "vm" and len(words) == 2:
        return True
    async with services.store.read() as tx:
        machines = await tx.inventory.machines()
        nodes = await tx.inventory.nodes()
    names = {name for m in machines for name in (m.nickname, m.desc, m.task, m.task[:_SHORT])}
    names |= {name for n in nodes for name in (n.nickname, n.name, n.desc, n.id, n.id[:_SHORT])}
    known = {plain(name) for name in names if name}
    return " ".join(words) in known or any(word in known for word in words)


COMMANDS = (
    Command(
        "freeze",
        freeze,
        Effect.CHANGE,
        "freeze network outage",
        asks=say("Stop all changes of machines"),
        look=_require_right_first,
        doubts=_may_mean_one,
        opens=_may_be_named,
        loses=say("Nothing is sent to machines until the freeze is lifted."),
        ends_itself=True,
        chinese="冻结",
        does=say("Freeze all changes"),
    ),
    Command(
        "unfreeze",
        unfreeze,
        Effect.CHANGE,
        "unfreeze",
        asks=say("Lift the freeze"),
        loses=say("Changes run again."),
        ends_itself=True,
        chinese="解冻 解除冻结",
        does=say("Lift the freeze"),
    ),
)
