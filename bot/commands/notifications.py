"""What people and channels are told, and when they want to be left alone."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from bot.commands.here import require_chooser
from bot.errors import Refused
from bot.folding import plain
from bot.ids import Reader
from bot.language.chinese import is_none
from bot.language.kind import Arg, Kind
from bot.language.kinds import CHOICE, FLAG
from bot.language.table import Command
from bot.language.taking import Takes
from bot.language.traditional import simplified
from bot.messages import setting_buttons
from bot.messages.cards import DIGESTS
from bot.messages.facts import FactKind
from bot.messages.ways import OPEN_FORM
from bot.messages.wishes import WITH_NEWS, hold_anew, hour_of, notify, notify_of
from bot.model import USUAL_HOUR, DigestHour, Effect, Notify, QuietHours
from bot.pipeline.context import Context
from bot.pipeline.formatting import said_audiences
from bot.reply import Actions, Button, FieldKind, Line, Reply, Text, command, line, say
from storage import UnitOfWork

_OFF = frozenset({"off", "关", "关闭"})
_LONGEST = 60  # characters of hours and their time zone

_LABELS: Mapping[str, Text] = {
    Notify.ALL: say("Everything"),
    Notify.ENDS: say("Ends only"),
    Notify.FAILURES: say("Only failures and what was not done"),
    Notify.SILENT: say("Everything, without mentions"),
    Notify.DIGEST: say("One digest a day"),
}

Wanted = Annotated[
    str,
    Arg(
        say("Notifications"), CHOICE, "", "failures",
        choices=tuple(_LABELS), labels=tuple(_LABELS.values()),
    ),
]  # fmt: skip
Less = Annotated[
    bool,
    Arg(
        say("Less"), FLAG, say("Its button below alarms keeps a choice that tells you less"),
        "less", pressed=True,
    ),
]  # fmt: skip
Hours = Annotated[
    str,
    Arg(
        say("Quiet hours"), Kind("quiet hours", is_narrow=True, takes=Takes.REST, longest=_LONGEST),
        say("From when to when, or off"), "22:00-07:00",
    ),
]  # fmt: skip

Hour = Annotated[
    str,
    Arg(
        say("Hour"),
        Kind("hour", FieldKind.TIME, is_narrow=True, takes=Takes.REST, longest=_LONGEST),
        say("When the daily digest comes"), "09:00",
    ),
]  # fmt: skip

About: TypeAlias = Literal["notify", "quiet", "digest"]

_CALLED = {
    Notify.ALL: say("everything"),
    Notify.ENDS: say("ends only"),
    Notify.FAILURES: say("only failures and what was not done"),
    Notify.SILENT: say("everything, without mentions"),
    Notify.DIGEST: say("one digest a day; failures and what was not done at once"),
}
_USUAL = ("22:00-07:00", "20:00-08:00")
_HOURS = ("07:00", "08:00", "09:00", "18:00")  # for a digest: before work, or after it
_OWN = "settings.notifications"
_NO_NEWS = say(
    "That leaves out alerts about nodes that stop responding and machines that change outside the "
    "bot."
)
_ALWAYS = say(
    "Approvals that need you, unknown ends, last warnings of rentals and security notices always "
    "reach you."
)


def to_choose(of: str) -> Mapping[Text, tuple[Button, ...]]:
    """What stands behind the menu of each setting, by its label; `of` is empty or `channel-`."""
    notifications, quiet_hours, hour = _TITLES[of]
    told = setting_buttons.choices(f"settings.{of}notifications", "notifications", _LABELS.items())
    spans = [(span, span.replace("-", "–")) for span in _USUAL]
    hours = setting_buttons.choices(
        f"settings.{of}quiet-hours", "hours", [*spans, ("off", say("None"))]
    )
    other = Button(say("Other hours …"), OPEN_FORM, f"settings.{of}quiet-hours")
    times = setting_buttons.choices(
        f"settings.{of}digest-hour", "hour", [(at, at) for at in _HOURS]
    )
    return {notifications: told, quiet_hours: (*hours, other), hour: (*times, _other_time(of))}


def _other_time(of: str) -> Button:
    return Button(say("Other time …"), OPEN_FORM, f"settings.{of}digest-hour")


async def own(ctx: Context, notifications: Wanted, less: Less = False) -> Reply:
    """Choose what you are told: all, ends, failures, all without mentions, or a daily digest."""
    chosen = Notify(notifications)
    hour = await _hour_for(ctx, ctx.actor, chosen)
    async with ctx.services.store.write() as tx:
        present = await notify_of(tx, ctx.actor)
        if less and present not in {Notify.ALL, chosen}:
            told = say("You already get less than that: {what}.", what=_CALLED[present])
            return Reply.of(told, private=True, data={"notifications": str(present)})
        await _set(tx, "notify", ctx.actor, None if chosen is Notify.ALL else chosen)
    told = say("You now get {what}.", what=_CALLED[chosen])
    data = {"notifications": str(chosen)}
    rest = (*_comes_at(hour), *_without_news(chosen), " ", _ALWAYS)
    reply = Reply.of(told, *rest, private=True, data=data)
    if hour is not None:
        reply = reply.also(Actions((_other_time(""),)))
    if less and present is not chosen:
        undo = setting_buttons.choice(say("Undo"), _OWN, "notifications", str(present))
        return reply.also(Actions((undo,)))
    return reply


async def channels(ctx: Context, notifications: Wanted) -> Reply:
    """Choose what this channel is told; ends are always in the thread of their card."""
    await require_chooser(ctx, "notifications", notifications)
    chosen = Notify(notifications)
    hour = await _hour_for(ctx, ctx.place.channel, chosen)
    await _keep(ctx, "notify", ctx.place.channel, None if chosen is Notify.ALL else chosen)
    told = say("This channel now gets {what}.", what=_CALLED[chosen])
    rest = (*_comes_at(hour), *_without_news(chosen))
    return Reply.of(told, *rest, data={"notifications": str(chosen)})


async def digest(ctx: Context, hour: Hour) -> Reply:
    """Choose when your daily digest comes, if you chose one."""
    chosen = await _hour(ctx, hour)
    await _keep_hour(ctx, ctx.actor, chosen)
    if await _has_digest(ctx, ctx.actor):
        told = say("Your daily digest now comes at {hour}.", hour=_at(chosen))
    else:
        told = say("You get no daily digest yet. {command} chooses one, at {hour}.",
            command=command("settings notifications digest"), hour=_at(chosen))  # fmt: skip
    return Reply.of(told, private=True, data={"hour": str(chosen)})


async def channel_digest(ctx: Context, hour: Hour) -> Reply:
    """Choose when this channel's daily digest comes."""
    await require_chooser(ctx, "digest-hour", hour)
    chosen = await _hour(ctx, hour)
    await _keep_hour(ctx, ctx.place.channel, chosen)
    if await _has_digest(ctx, ctx.place.channel):
        told = say("This channel's daily digest now comes at {hour}.", hour=_at(chosen))
    else:
        told = say("This channel gets no daily digest yet. {command} chooses one, at {hour}.",
            command=command("settings channel-notifications digest"), hour=_at(chosen))  # fmt: skip
    return Reply.of(told, data={"hour": str(chosen)})


async def quiet(ctx: Context, hours: Hours) -> Reply:
    """Choose when you are told only what needs attention; the rest comes together at the end."""
    chosen = await _hours(ctx, hours)
    await _keep(ctx, "quiet", ctx.actor, chosen)
    told = say("You have no quiet hours now.")
    if chosen is not None:
        told = say("Your quiet hours are now {hours}.", hours=_spoken(chosen))
    return Reply.of(told, private=True, data={"hours": str(chosen) if chosen else None})


async def channel_quiet(ctx: Context, hours: Hours) -> Reply:
    """Choose when this channel is told only what needs attention."""
    await require_chooser(ctx, "quiet-hours", hours)
    chosen = await _hours(ctx, hours)
    await _keep(ctx, "quiet", ctx.place.channel, chosen)
    told = say("This channel has no quiet hours now.")
    if chosen is not None:
        told = say("This channel's quiet hours are now {hours}.", hours=_spoken(chosen))
    return Reply.of(told, data={"hours": str(chosen) if chosen else None})


async def _hours(ctx: Context, text: str) -> QuietHours | None:
    """What is meant, by the clocks where the person is as Slack says; None: no quiet hours."""
    if is_none(text) or simplified(plain(text)) in _OFF:
        return None
    person = await ctx.services.directory.person(ctx.actor)
    if (hours := QuietHours.read(text, person.zone)) is None:
        raise Refused(
            say("Quiet hours are from one time to another, not “{text}”.", text=text),
            hint=say("For example {example}", example="22:00-07:00"),
            field="hours",
        )
    return hours


async def _hour(ctx: Context, text: str) -> DigestHour:
    """What is meant, by the clocks where the person is as Slack says."""
    person = await ctx.services.directory.person(ctx.actor)
    if (hour := DigestHour.read(text, person.zone)) is None:
        raise Refused(
            say("A digest comes at a time of day, not at “{text}”.", text=text),
            hint=say("For example {example}", example="09:00"),
            field="hour",
        )
    return hour


async def _hour_for(ctx: Context, owner: Reader, chosen: Notify) -> DigestHour | None:
    """The hour of a digest that was just chosen: kept, or the usual one where the person is."""
    if chosen is not Notify.DIGEST:
        return None
    async with ctx.services.store.read() as tx:
        kept = (await tx.readers.some(["digest"], [owner])).get(("digest", owner))
    if kept is not None:
        return hour_of(kept)
    hour = DigestHour(USUAL_HOUR, (await ctx.services.directory.person(ctx.actor)).zone)
    await _keep(ctx, "digest", owner, hour)
    return hour


async def _keep_hour(ctx: Context, owner: Reader, hour: DigestHour) -> None:
    """From now on; what is kept for the next digest comes then as well."""
    async with ctx.services.store.write() as tx:
        await tx.readers.set("digest", owner, str(hour))
        held = await tx.messages.held()
        mine = [m.id for m in held if m.key.startswith(DIGESTS) and m.place.channel == owner]
        await tx.messages.hold(mine, hour.after(ctx.now))


async def _has_digest(ctx: Context, owner: Reader) -> bool:
    async with ctx.services.store.read() as tx:
        return await notify_of(tx, owner) is Notify.DIGEST


def _at(hour: DigestHour) -> Text:
    return say("{time} ({zone})", time=hour.shown, zone=hour.zone)


def _without_news(chosen: Notify) -> tuple[Text, ...]:
    return () if chosen in WITH_NEWS else (" ", _NO_NEWS)


def _comes_at(hour: DigestHour | None) -> tuple[Text, ...]:
    return () if hour is None else (" ", say("It comes at {hour}.", hour=_at(hour)))


async def _keep(
    ctx: Context, about: About, owner: Reader, chosen: Notify | QuietHours | DigestHour | None
) -> None:
    async with ctx.services.store.write() as tx:
        await _set(tx, about, owner, chosen)
        if about == "quiet":
            await hold_anew(tx, owner, ctx.now)


async def _set(
    tx: UnitOfWork, about: About, owner: Reader, chosen: Notify | QuietHours | DigestHour | None
) -> None:
    if chosen is None:
        await tx.readers.remove(about, owner)
    else:
        await tx.readers.set(about, owner, str(chosen))


def _spoken(hours: QuietHours) -> Text:
    return say("{span} ({zone})", span=hours.span, zone=hours.zone)


async def shown_to(ctx: Context) -> list[tuple[Text, Line]]:
    """What somebody is told, and when not; and what their channel is."""
    place = ctx.place.channel
    async with ctx.services.store.read() as tx:
        chosen = await tx.readers.some(["notify", "quiet", "digest"], [ctx.actor, place])
    shown = _shown(ctx.actor, chosen, "")
    if place.startswith(("C", "G")):
        shown += _shown(place, chosen, "channel-")
    return shown


_TITLES: Mapping[str, tuple[Text, Text, Text]] = {
    "": (say("Notifications"), say("Quiet hours"), say("Daily digest")),
    "channel-": (
        say("This channel's notifications"),
        say("This channel's quiet hours"),
        say("This channel's daily digest"),
    ),
}


def _shown(
    owner: Reader, chosen: Mapping[tuple[str, str], str], of: str
) -> list[tuple[Text, Line]]:
    notifications, hours, hour = _TITLES[of]
    wanted = notify(chosen.get(("notify", owner), ""))
    quiet_hours = QuietHours.read(chosen.get(("quiet", owner), ""))
    when = say("none") if quiet_hours is None else _spoken(quiet_hours)
    shown = [(notifications, line(_CALLED[wanted], "\n", command(f"settings {of}notifications …")))]
    if wanted is Notify.DIGEST:
        at = _at(hour_of(chosen.get(("digest", owner), "")))
        shown.append((hour, line(at, "\n", command(f"settings {of}digest-hour …"))))
    return [*shown, (hours, line(when, "\n", command(f"settings {of}quiet-hours …")))]


_CHANNEL = {"channel": FactKind(say("Channel"), said=said_audiences)}


async def _where(ctx: Context, **_given: object) -> dict[str, str]:
    """The channel for which it is chosen."""
    return {"channel": ctx.place.channel}


COMMANDS = (
    Command(
        "notifications", own, Effect.CHANGE, "settings notifications failures",
        synonyms=("notify",), chinese="通知 提醒",
        does=say("Choose notifications"),
        asks=say("Change what the requester is told to {notifications}"),
        is_personal=True,
    ),
    Command(
        "channel-notifications", channels, Effect.CHANGE, "settings channel-notifications failures",
        chinese="频道通知",
        does=say("Choose notifications"),
        asks=say("Change what this channel is told to {notifications}"),
        shows=_where, facts=_CHANNEL,
    ),
    Command(
        "quiet-hours", quiet, Effect.CHANGE, "settings quiet-hours 22:00-07:00",
        synonyms=("quiet", "dnd"), chinese="免打扰 勿扰",
        does=say("Choose quiet hours"),
        asks=say("Change the requester's quiet hours to {hours}"),
        is_personal=True,
    ),
    Command(
        "channel-quiet-hours", channel_quiet, Effect.CHANGE,
        "settings channel-quiet-hours 22:00-07:00",
        chinese="频道免打扰",
        does=say("Choose quiet hours"),
        asks=say("Change this channel's quiet hours to {hours}"),
        shows=_where, facts=_CHANNEL,
    ),
    Command(
        "digest-hour", digest, Effect.CHANGE, "settings digest-hour 09:00",
        synonyms=("digest",), chinese="汇总时间 每日汇总 汇总 日报 摘要",
        does=say("Choose the digest hour"),
        asks=say("Change the hour of the requester's daily digest to {hour}"),
        is_personal=True,
    ),
    Command(
        "channel-digest-hour", channel_digest, Effect.CHANGE,
        "settings channel-digest-hour 09:00",
        chinese="频道汇总时间 频道每日汇总",
        does=say("Choose the digest hour"),
        asks=say("Change the hour of this channel's daily digest to {hour}"),
        shows=_where, facts=_CHANNEL,
    ),
)  # fmt: skip
