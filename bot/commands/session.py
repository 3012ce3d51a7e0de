"""Sessions: the credentials with which a person acts on a node (docs/dbc-api.md §2.5)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from bot.commands.order_notes import pending
from bot.commands.renter import REQUEST, SIGN_SESSION, RentOrder, SessionSign, keep_session
from bot.commands.session_ask import ASK
from bot.dbc import fields
from bot.dbc.identity import SessionPair
from bot.errors import BotError, NotFound, Refused, advice, refuse_all
from bot.ids import ChannelId, UserId
from bot.language.args import AnyNode, Channel, HeldNode, Member
from bot.language.kind import Arg
from bot.language.kinds import HOURS, SECRET
from bot.language.table import Command, Group
from bot.messages import access_cards
from bot.messages.facts import FactKind
from bot.model import Audience, DbcSession, Effect, Node, Place, Share, Source
from bot.pipeline.context import Context, Services
from bot.pipeline.ended import ended_of
from bot.pipeline.formatting import joined, said_audiences, short
from bot.reply import (
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Row,
    Rows,
    Span,
    Words,
    bold,
    channel,
    code,
    command,
    emoji,
    kept,
    line,
    listed,
    mention,
    plain,
    say,
    time,
)
from bot.services.sessions import (
    SessionLocked,
    is_about_the_way,
    no_access,
    what_a_session_is,
)

_SHARED, _KEPT = "shared", "kept"

Hours = Annotated[
    int,
    Arg(
        say("Hours"),
        HOURS,
        say("It ends by itself after so many; empty: once you take it back"),
        "8",
        least=1,
        most=24 * 31,
    ),
]
SessionId = Annotated[
    str,
    Arg(say("Session id"), SECRET, say("As the node gave it to the renter, about 55 characters")),
]


async def add(
    ctx: Context,
    node: AnyNode,
    session_id: SessionId,
    session_id_sign: SessionSign,
    rent_order: RentOrder = "",
) -> Reply:
    """Add your session for a node; the bot checks it there and keeps it encrypted."""
    pair = session_id.strip(), session_id_sign.strip()
    return await keep_session(ctx, DbcSession(ctx.actor, node.id, *pair, rent_order), "session_id")


def _check(values: Mapping[str, str]) -> None:
    """Find what cannot be a session while the form is still open."""
    pair = (values.get("session_id", "").strip(), values.get("session_id_sign", "").strip())
    checks: list[Callable[[], object]] = [lambda: SessionPair.of(*pair)]
    if rent_order := values.get("rent_order"):
        checks.append(partial(fields.rent_order, rent_order))
    refuse_all(checks)


async def list_sessions(ctx: Context) -> Reply:
    """List the nodes that you have a session for, and who shares with whom; never the secrets."""
    hidden = await ctx.hidden()
    own = [one for one in await ctx.services.sessions.of(ctx.actor) if one.node not in hidden]
    shared = await ctx.services.sessions.shared_by(ctx.actor)
    given = await ctx.services.sessions.shared_with(ctx.actor, ctx.place.channel)
    given = [one for one in given if one.user != ctx.actor and one.node not in hidden]
    parts: list[Part] = []
    if own:
        rows = [await _row(ctx, session, shared) for session in own]
        parts.append(Rows(tuple(rows), line(bold(say("Your sessions")))))
    if given:
        rows = [await _shared_row(ctx, share) for share in given]
        parts.append(Rows(tuple(rows), line(bold(say("Shared with you")))))
    if not parts:
        return Reply.empty(
            say("You have no session yet. Add one with {command}.", command=command("session add")),
            private=True,
        )
    return Reply(say("Your sessions"), tuple(parts), private=True)


async def _row(ctx: Context, session: DbcSession, shared: Sequence[Share]) -> Row:
    label = await ctx.services.inventory.label(session.node)
    order = session.rent_order and say("rent order {order}", order=session.rent_order)
    seen = session.checked_at and say("checked {time}", time=time(session.checked_at))
    problem = kept(session.problem)
    bad: Line = line(emoji("warning"), " ", line(problem)) if problem else ()
    if session.is_locked:
        locked = SessionLocked(session, ctx.actor, label)
        bad = line(emoji("warning"), " ", locked.words, " ", locked.hint)
    others = [_audience(share) for share in shared if share.node == session.node]
    also = others and say("shared with {audiences}", audiences=listed(others))
    head = line("• ", bold(label), " ", code(short(session.node)))
    shown = joined(head, order or "", seen or "", bad, also or "")
    data = {
        "node": label,
        "node_id": session.node,
        "rent_order": session.rent_order or None,
        "checked_at": session.checked_at,
        "problem": "cannot be decrypted" if session.is_locked else plain(problem) or None,
        "shared_with": [share.audience for share in shared if share.node == session.node],
    }
    return Row(shown, data)


async def _shared_row(ctx: Context, share: Share) -> Row:
    label = await ctx.services.inventory.label(share.node)
    told = say("by {user}", user=mention(share.user))
    if share.kind is Audience.CHANNEL:
        told = say("by {user} with this channel", user=mention(share.user))
    until = (" ", say("until {time}", time=time(share.ends_at))) if share.ends_at else ()
    shown = line("• ", bold(label), " ", code(short(share.node)), " ", told, *until)
    data = {"node": label, "node_id": share.node, "shared_by": share.user, "until": share.ends_at}
    return Row(shown, data)


def _audience(share: Share) -> Line:
    who = (
        mention(UserId(share.audience))
        if share.kind is Audience.PERSON
        else channel(share.audience)
    )
    if share.ends_at is None:
        return line(who)
    return line(say("{audience} until {time}", audience=who, time=time(share.ends_at)))


async def check(ctx: Context, node: AnyNode | None = None) -> Reply:
    """Check your sessions with their nodes: all of them, or the one for a node."""
    hidden = await ctx.hidden()
    own = [one for one in await ctx.services.sessions.of(ctx.actor) if one.node not in hidden]
    if node is not None:
        own = [session for session in own if session.node == node.id]
    if not own:
        raise Refused(
            say("You have no session for {node}.", node=node.label)
            if node
            else say("You have no session yet."),
            hint=line(say("Add one with: {command}", command=command("session add"))),
            field="node",
        )
    problems = await asyncio.gather(*(_problem(ctx, session) for session in own))
    if node is not None and problems[0] is not None:
        raise problems[0]
    rows = [await _checked(ctx, *one) for one in zip(own, problems, strict=True)]
    works = sum(problem is None for problem in problems)
    untried = sum(problem is not None and is_about_the_way(problem) for problem in problems)
    told = say("{works} of {count} sessions work", works=works, count=len(own))
    if untried:
        told = say("{told}; {untried} could not be checked", told=told, untried=untried)
    return Reply(told, (Rows(tuple(rows)),), private=True)


async def _problem(ctx: Context, session: DbcSession) -> BotError | None:
    """What is wrong with a session, tried now."""
    problem = await ctx.services.sessions.check(session)
    if isinstance(problem, SessionLocked):
        label = await ctx.services.inventory.label(session.node)
        return SessionLocked(session, ctx.actor, label)
    return problem


async def _checked(ctx: Context, session: DbcSession, problem: BotError | None) -> Row:
    label = await ctx.services.inventory.label(session.node)
    data = {
        "node": label,
        "node_id": session.node,
        "works": None if problem and is_about_the_way(problem) else problem is None,
        "problem": problem.sentence if problem else None,
    }
    mark = emoji("warning" if problem else "white_check_mark")
    told = say("Your session for {node} works.", node=bold(label))
    if problem is None:
        return Row(line(mark, " ", told), data)
    told = say("Your session for {node}: {problem}", node=bold(label), problem=problem.words)
    if is_about_the_way(problem):
        told = say(
            "Your session for {node} could not be checked: {problem}",
            node=bold(label),
            problem=problem.words,
        )
    return Row(line(mark, " ", told, " ", advice(problem)), data)


async def remove(ctx: Context, node: HeldNode) -> Reply:
    """Remove your session for a node from this bot; everyone you share it with loses it too."""
    if not await ctx.services.sessions.remove(ctx.actor, node):
        raise _no_session(node)
    return Reply.of(say("Your session for {node} is erased.", node=bold(node.label)), private=True)


def _no_session(node: Node) -> NotFound:
    return NotFound(
        say("You have no session for {node}.", node=node.label),
        hint=line(say("See: {command}", command=command("session list"))),
        field="node",
    )


async def _before_remove(ctx: Context, node: Node) -> Mapping[str, str]:
    """Which session it is, and with whom it is shared: they lose it too."""
    if not await ctx.services.sessions.holds(ctx.actor, node):
        raise _no_session(node)
    return await _shared_now(ctx, node)


async def _shared_now(ctx: Context, node: Node, **_audience: object) -> Mapping[str, str]:
    """Which session it is, and with whom it is shared already."""
    shared = await ctx.services.sessions.shared_by(ctx.actor)
    audiences = sorted(one.audience for one in shared if one.node == node.id)
    return {_SHARED: " ".join(audiences), **await _kept_now(ctx, node)}


async def _kept_now(ctx: Context, node: Node, **_typed: object) -> Mapping[str, str]:
    """Since when which session of the requester's for the node is kept."""
    own = [one for one in await ctx.services.sessions.of(ctx.actor) if one.node == node.id]
    added = own[0].added_at if own else None
    return {_KEPT: f"{added.isoformat() if added else '-'} {own[0].rent_order}" if own else ""}


def _said_kept(text: str) -> Words:
    added, _, rent_order = text.partition(" ")
    if not added:
        return ""
    since = say("kept")
    if added != "-":
        since = say("added {time}", time=time(datetime.fromisoformat(added)))
    if not rent_order:
        return since
    return say("{since}, rent order {order}", since=since, order=rent_order)


def _as_few(shown: str, now: str) -> bool:
    """Whoever has lost it since loses nothing more."""
    return set(now.split()) <= set(shown.split())


def _check_audience(values: Mapping[str, str]) -> None:
    """Sharing is with one: a person or a channel."""
    if bool(values.get("person")) == bool(values.get("channel")):
        raise Refused(say("Say with whom: one person or one channel."), field="person")


async def share(
    ctx: Context,
    node: HeldNode,
    person: Member = "",
    channel: Channel = "",
    *,
    hours: Hours | None = None,
) -> Reply:
    """Share your session for a node with a person or a channel; they use it without seeing it."""
    if person == ctx.actor:
        raise Refused(say("It is yours already."), field="person")
    if person and not (await ctx.services.directory.person(UserId(person))).is_full_member:
        raise Refused(
            say("A session can be shared with full members of this workspace only."), field="person"
        )
    kind = Audience.PERSON if person else Audience.CHANNEL
    lasting = timedelta(hours=hours) if hours else None
    audience = UserId(person) if person else ChannelId(channel)
    shared = await ctx.services.sessions.share(
        ctx.actor, node, kind, audience, lasting,
        also=await _pending(ctx, node, UserId(person)), is_answer=ctx.source is Source.BUTTON,
    )  # fmt: skip
    told = access_cards.shared(shared, _named(UserId(person), channel), node.label)
    how = line(access_cards.taken_back())
    # By the button of a request, its card says it: the answer is for them alone, or left out.
    is_pressed = ctx.source is Source.BUTTON and not ctx.place.is_channel
    head = say("A session for {node} is shared", node=node.label)
    return Reply(head, (Para(told), Note(how)), private=is_pressed)


async def _pending(ctx: Context, node: Node, person: UserId) -> Mapping[str, Reply]:
    """What whoever gets the session has to know of the node's orders; nothing for a channel."""
    if not person or await ctx.services.orders.concerned.hides(person, node.id):
        return {}
    mine = [one for one in await ctx.services.sessions.of(ctx.actor) if one.node == node.id]
    return await pending(ctx.services, await ended_of(ctx.services, mine), person)


async def unshare(
    ctx: Context, node: HeldNode, person: Member = "", channel: Channel = ""
) -> Reply:
    """Stop sharing a session at once: with one person or channel, or with everyone."""
    count = await ctx.services.sessions.unshare(ctx.actor, node, person or channel)
    if not count:
        raise NotFound(
            say("You do not share a session for {node} with them.", node=node.label),
            hint=line(say("See: {command}", command=command("session list"))),
            field="node",
        )
    whom = _named(UserId(person), channel) if person or channel else say("anybody")
    return Reply.of(
        say(
            "{user} no longer shares their session for {node} with {whom}.",
            user=mention(ctx.actor),
            node=bold(node.label),
            whom=whom,
        )
    )


async def _some_of_ones_own(services: Services, user: UserId, place: Place) -> None:
    """Raise Refused for who keeps no session: there is nothing to share or to remove."""
    if await services.sessions.of(user):
        return
    if await services.sessions.shared_with(user, place.channel):
        raise Refused(
            say("You have no session of your own: the ones that you use are shared with you."),
            hint=say("Only their owners can share or remove them. {session}",
                     session=what_a_session_is()),
        )  # fmt: skip
    raise no_access()


async def _some_shared(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who shares no session."""
    if not await services.sessions.shared_by(user):
        raise NotFound(
            say("You share no session with anyone."),
            hint=line(say("See: {command}", command=command("session list"))),
        )


def _named(person: UserId, channel_id: str) -> Span:
    return mention(person) if person else channel(channel_id)


def _asks_back(known: Mapping[str, str]) -> Phrase:
    if known.get("person") or known.get("channel"):
        return say("Stop sharing the requester's session for {target} with {person}{channel}")
    return say("Stop sharing the requester's session for {target} with everybody")


_KIND_KEPT = FactKind(say("Present session"), said=_said_kept, called=say("the session"))

GROUP = Group(
    "session",
    say("Your credentials for nodes"),
    (
        Command(
            "add",
            add,
            Effect.CHANGE,
            "session add gpu1",
            form=True,
            check=_check,
            shows=_kept_now,
            facts={_KEPT: _KIND_KEPT},
            asks=say("Add the requester's session for {target}"),
            loses=say("A session of yours for the node that is kept already is replaced."),
            is_personal=True,
            begins=True,
            chinese="添加",
            does=say("Add a session"),
        ),
        REQUEST,
        SIGN_SESSION,
        ASK,
        Command(
            "list",
            list_sessions,
            example="session list",
            synonyms=("ls",),
            spans_nodes=True,
            chinese="列表 列出",
            does=say("List sessions"),
        ),
        Command(
            "check",
            check,
            example="session check gpu1",
            chinese="检查",
            does=say("Check sessions"),
        ),
        Command(
            "share",
            share,
            Effect.CHANGE,
            "session share gpu1 with @U012AB3CD",
            form=True,
            opens=_some_of_ones_own,
            check=_check_audience,
            shows=_shared_now,
            facts={_KEPT: _KIND_KEPT, _SHARED: FactKind(say("Shared with"), said=said_audiences)},
            asks=say("Share the requester's session for {target} with {person}{channel}"),
            is_personal=True,
            chinese="共享 分享",
            does=say("Share a session"),
        ),
        Command(
            "unshare",
            unshare,
            Effect.CHANGE,
            "session unshare gpu1 with @U012AB3CD",
            opens=_some_shared,
            shows=_shared_now,
            facts={_KEPT: _KIND_KEPT, _SHARED: FactKind(say("Shared with"), said=said_audiences)},
            asks=_asks_back,
            loses=say("They can no longer use the session."),
            is_personal=True,
            chinese="取消共享 取消分享",
            does=say("Stop sharing a session"),
            button=say("Stop sharing"),
        ),
        Command(
            "remove",
            remove,
            Effect.DISRUPT,
            "session remove gpu1",
            opens=_some_of_ones_own,
            look=_before_remove,
            facts={
                _KEPT: _KIND_KEPT,
                _SHARED: FactKind(say("Shared with"), said=said_audiences, holds=_as_few),
            },
            asks=say("Erase the requester's session for {target}"),
            loses=say(
                "The session id and its signature are erased, also for everyone with "
                "whom they are shared. I cannot show them again: whoever needs them "
                "later gets them from the renter, or requests new ones."
            ),
            is_personal=True,
            chinese="移除 删除 清除",
            does=say("Remove a session"),
        ),
    ),
)
