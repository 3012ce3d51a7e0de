"""Whose credentials are used where: a person acts on a node with the session they hold for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import DbcError, StrangeCode, Unreadable, WrongNodeKind
from bot.dbc.identity import SessionPair, Target
from bot.errors import BotError, Refused
from bot.ids import ChannelId, NodeId, Reader, UserId
from bot.messages.access_cards import ask_button, granted_to_user, taken_away
from bot.model import Audience, AuditEntry, AuditKind, DbcSession, Node, NodeKind, Share
from bot.reply import Phrase, Reply, command, keep, mention, say, say_number
from bot.services.access import end_with_session, require_unanswered, retell, tell_shared
from storage import Store, UnitOfWork

NOTHING_MORE: Mapping[str, Reply] = MappingProxyType({})

log = structlog.get_logger()


class SessionLocked(Refused):
    """No key opens a session that is kept: says whose it is, and what its owner does about it."""

    def __init__(self, session: DbcSession, user: UserId = UserId(""), label: str = "") -> None:
        add, remove = (command(f"session {verb} {label}".strip()) for verb in ("add", "remove"))
        node = label or say("this node")
        if session.user == user:
            told = say(
                "Your session for {node} can no longer be decrypted: its key is missing, or it is "
                "damaged.",
                node=node,
            )
            hint = say(
                "Remove it with {remove}, then add it again with {add}.", remove=remove, add=add
            )
        else:
            told = say(
                "The session for {node} can no longer be decrypted: its key is missing, or it is "
                "damaged.",
                node=node,
            )
            hint = say(
                "{user} can remove it with {remove}, then add it again with {add}.",
                user=mention(session.user), remove=remove, add=add,
            )  # fmt: skip
        super().__init__(told, hint=hint, field="node")
        self._session, self._label = session, label

    def told_to(self, user: UserId) -> "SessionLocked":
        """The same in words for `user`, who may be its owner."""
        return SessionLocked(self._session, user, self._label)


class Sessions:
    """Keeps, tries and hands out sessions. The pair leaves this room only inside a `Target`."""

    def __init__(self, store: Store, dbc: DbcClient, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._clock = clock

    async def use(self, user: UserId, node: Node, channel: ChannelId = ChannelId("")) -> DbcSession:
        """The session with which `user` acts on a node in `channel`: their own, or one shared.

        Raises Refused when there is none.
        """
        found = await self.require(user, node, channel)
        await self.record_use(user, [found], channel)
        return found

    async def require(
        self, user: UserId, node: Node, channel: ChannelId = ChannelId("")
    ) -> DbcSession:
        """The session with which `user` would act on a node.

        Raises Refused when there is none, and SessionLocked when no key opens it.
        """
        return only((await self._store.known()).usable(user, channel, node.id), user, node)

    async def at_claim(
        self, tx: UnitOfWork, user: UserId, node: Node, channel: ChannelId = ChannelId("")
    ) -> DbcSession:
        """Like `require`, as it is in the unit of work that decides whether something is sent."""
        return only(await tx.sessions.usable(user, channel, node.id), user, node)

    async def record_use(
        self, user: UserId, sessions: Sequence[DbcSession], channel: ChannelId = ChannelId("")
    ) -> None:
        """Put into the audit that `user` is about to act with these, as far as others hold them."""
        if any(session.user != user for session in sessions):
            async with self._store.write() as tx:
                self.note_use(tx, user, sessions, channel)

    def note_use(
        self, tx: UnitOfWork, user: UserId, sessions: Sequence[DbcSession], channel: ChannelId
    ) -> None:
        """Do what `record_use` does, in this unit of work."""
        for session in sessions:
            if session.user != user:
                details = {"of": session.user, "in": channel}
                self._append(tx, AuditKind.SESSION_USED, user, session.node, details)

    async def usable(self, user: UserId, channel: ChannelId = ChannelId("")) -> list[DbcSession]:
        """The sessions that `user` may act with in `channel`, one a node, their own first."""
        return (await self._store.known()).usable(user, channel)

    # Entitlement

    async def is_entitled(
        self, user: UserId, node_id: NodeId, channel: ChannelId = ChannelId("")
    ) -> bool:
        """Whether `user` holds a session for the node, or one is shared with them.

        With a channel, sharing with that channel counts too.
        """
        return bool((await self._store.known()).usable(user, channel, node_id))

    async def entitled(self, node_id: NodeId) -> list[UserId]:
        """Who holds a session for the node or has one shared with them in person, by id.

        The members of channels are not among them: see `shared_channels`.
        """
        known = await self._store.known()
        shares = known.shares_on(node_id)
        shared = {UserId(share.audience) for share in shares if share.kind is Audience.PERSON}
        return sorted({*known.entitled(node_id), *shared})

    async def shared_channels(self, node_id: NodeId) -> list[str]:
        """The channels that a session for the node is shared with, by id."""
        shares = (await self._store.known()).shares_on(node_id)
        return sorted({share.audience for share in shares if share.kind is Audience.CHANNEL})

    # Sharing

    async def share(
        self,
        user: UserId,
        node: Node,
        kind: Audience,
        audience: Reader,
        lasting: timedelta | None = None,
        *,
        also: Mapping[str, Reply] = NOTHING_MORE,
        is_answer: bool = False,
    ) -> Share:
        """Let a person or a channel use the session of `user`, who may have been asked for it.

        The person is told, and what they have to know of the node (`also`, by key). Raises Refused
        without one; and, where it answers a request (`is_answer`), if another has just done so.
        """
        now = self._clock.now()
        ends_at = None if lasting is None else now + lasting
        share = Share(user, node.id, kind, audience, now, ends_at)
        async with self._store.write() as tx:
            if await tx.sessions.find(user, node.id) is None:
                raise Refused(
                    say("You have no session of your own for {node} to share.", node=node.label),
                    hint=_add_yours(),
                    field="node",
                )
            if is_answer:
                await require_unanswered(tx, share, node)
            former = _to(await tx.sessions.shares_of(user), node, audience)
            await tx.sessions.share(share)
            details: dict[str, str] = {"with": audience}
            if share.ends_at is not None:
                details["until"] = share.ends_at.isoformat(timespec="seconds")
            self._append(tx, AuditKind.SESSION_SHARED, user, node.id, details)
            for one in former:
                await retell(tx, one, granted_to_user(share, node), now)
            await tell_shared(tx, share, node, also, now)
        log.info("session.shared", node=node.id, by=user, with_=audience)
        return share

    async def unshare(self, user: UserId, node: Node, audience: str = "") -> int:
        """Take a shared session back at once, from one or from all; says from how many."""
        now = self._clock.now()
        async with self._store.write() as tx:
            former = _to(await tx.sessions.shares_of(user), node, audience)
            count = await tx.sessions.unshare(user, node.id, audience)
            for one in former:
                await retell(tx, one, taken_away(one, node.label), now)
            if count:
                self._append(tx, AuditKind.SESSION_UNSHARED, user, node.id, {"with": audience})
        log.info("session.unshared", node=node.id, by=user, with_=audience, count=count)
        return count

    async def shared_by(self, user: UserId) -> list[Share]:
        """What `user` shares."""
        async with self._store.read() as tx:
            return await tx.sessions.shares_of(user)

    async def shared_with(self, user: UserId, channel: ChannelId = ChannelId("")) -> list[Share]:
        """What is shared with `user`, or with the channel."""
        async with self._store.read() as tx:
            return await tx.sessions.shares_with(user, channel)

    # Own sessions

    async def holds(self, user: UserId, node: Node) -> bool:
        """Whether `user` has a session of their own for a node, also one that no key opens."""
        async with self._store.read() as tx:
            return await tx.sessions.find(user, node.id) is not None

    async def of(self, user: UserId) -> list[DbcSession]:
        """The sessions that `user` holds."""
        async with self._store.read() as tx:
            return await tx.sessions.of(user)

    async def secrets(self) -> list[str]:
        """The pairs that are kept, whoever's; those that no key opens are left out."""
        async with self._store.read() as tx:
            kept = [one for one in await tx.sessions.all() if not one.is_locked]
        return [secret for one in kept for secret in (one.session_id, one.session_id_sign)]

    async def add(self, session: DbcSession) -> Phrase:
        """Try the pair against its node, then keep it; says what it sees there.

        Raises what the node answers, and then keeps nothing.
        """
        sees = await self._try(session)
        now = self._clock.now()
        async with self._store.write() as tx:
            await tx.sessions.put(replace(session, added_at=now, checked_at=now))
            self._append(tx, AuditKind.SESSION_ADDED, session.user, session.node, {})
        return sees

    async def check(self, session: DbcSession) -> BotError | None:
        """Try a kept pair again; gives what was wrong.

        The result is remembered, unless it says nothing about the session (`is_about_the_way`).
        """
        problem: BotError | None = None
        try:
            await self._try(session)
        except BotError as error:
            problem = error
        if problem is not None and is_about_the_way(problem):
            return problem
        async with self._store.write() as tx:
            said = keep(problem.words) if problem else ""
            await tx.sessions.checked(session.user, session.node, self._clock.now(), said)
        return problem

    async def _try(self, session: DbcSession) -> Phrase:
        """What the pair sees on its node, which may be a bare-metal machine."""
        try:
            count = len(await self._dbc.tasks.list(target_of(session)))
        except WrongNodeKind:
            return await self._try_metal(session)
        except Unreadable as problem:
            if not problem.is_of_the_node:
                raise
            return say("its machine list cannot be read at present")
        return say_number("it sees {number} machine", "it sees {number} machines", count)

    async def _try_metal(self, session: DbcSession) -> Phrase:
        machine = await self._dbc.metal.get(target_of(session))
        if not machine.version:  # a manager answers with its list, which is something else
            raise WrongNodeKind
        now = self._clock.now()
        seen = Node(session.node, "", machine.version, now, kind=NodeKind.METAL, desc=machine.desc)
        async with self._store.write() as tx:
            await tx.inventory.put_nodes([seen])
        if not machine.power_status:
            return say("it is a bare-metal machine, power unknown")
        return say("it is a bare-metal machine, {power}", power=machine.power_status)

    async def remove(self, user: UserId, node: Node) -> bool:
        """Erase the pair, which ends what is shared of it; False when there was none."""
        now = self._clock.now()
        async with self._store.write() as tx:
            shares = _to(await tx.sessions.shares_of(user), node, "")
            removed = await tx.sessions.remove(user, node.id)
            if removed:
                await tx.details.forget(user, node.id)
                await end_with_session(tx, shares, node.label, now)
                self._append(tx, AuditKind.SESSION_REMOVED, user, node.id, {})
        return removed

    def _append(
        self,
        tx: UnitOfWork,
        kind: AuditKind,
        user: UserId,
        node: NodeId,
        details: Mapping[str, str],
    ) -> None:
        tx.audit.append(AuditEntry(kind, self._clock.now(), actor=user, node=node, details=details))


def only(found: Sequence[DbcSession], user: UserId, node: Node) -> DbcSession:
    """The session to act with. Raises Refused without one, SessionLocked where no key opens it."""
    if not found:
        refusal = Refused(
            say("You have no session for {node}.", node=node.label),
            hint=_add_yours(),
            field="node",
        )
        refusal.offers = (ask_button(node.id),)
        raise refusal
    if found[0].is_locked:
        raise SessionLocked(found[0], user, node.label)
    return found[0]


def _to(shares: Sequence[Share], node: Node, audience: str) -> list[Share]:
    """Those for the node with one audience, or with any."""
    return [one for one in shares if one.node == node.id and audience in {"", one.audience}]


def _add_yours() -> Phrase:
    return say("Add yours: {command}", command=command("session add"))


def is_about_the_way(problem: BotError) -> bool:
    """Whether a failed try says nothing about the session: no answer, or none of any use."""
    no_use = isinstance(problem, Unreadable | StrangeCode)
    return isinstance(problem, DbcError) and (problem.passes or no_use)


def target_of(session: DbcSession) -> Target:
    """The session as the DBC client takes it.

    Raises InvalidField for a pair that cannot be one, and SessionLocked for one that is not known.
    """
    if session.is_locked:
        raise SessionLocked(session)
    return Target(
        node_id=session.node,
        credentials=SessionPair.of(session.session_id, session.session_id_sign),
        rent_order=session.rent_order or None,
    )


def no_access(field: str = "", *, is_metal: bool = False) -> Refused:
    """The refusal of whoever has a session for no node; the button asks for which they want."""
    told = say("You have no node access yet.")
    if is_metal:
        told = say("You have no access to a bare-metal machine yet.")
    refusal = Refused(told, hint=what_a_session_is(), field=field)
    refusal.offers = (ask_button(NodeId("")),)
    return refusal


def what_a_session_is() -> Phrase:
    """What a session is, and how to get one."""
    return say(
        "A session is what a node knows its renter by. Add yours with {command}, or ask a "
        "teammate to share one.",
        command=command("session add"),
    )
