"""Access that people ask each other for, and shares that end by themselves.

A request is a row with a card for each who holds a session for the node. Whoever of them shares it,
however, answers the request, in the unit of work in which it is shared.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import Conflict, Refused
from bot.ids import ChannelId, NodeId, UserId, new_id
from bot.messages import access_cards
from bot.messages.cards import people_line
from bot.model import (
    AccessRequest,
    AccessState,
    Audience,
    AuditEntry,
    AuditKind,
    Message,
    Node,
    Place,
    Share,
)
from bot.reply import Reply, dump, load, mention, mentioned, say, time
from storage import Store, UnitOfWork

_MOST_OPEN = 5  # requests of one person
_MOST_A_DAY = 20
_DAY = timedelta(days=1)
_SOON = timedelta(hours=1)  # before its end a share is told of
_SHORT = timedelta(hours=1, minutes=10)  # what lasts no longer was said just now

_JUST_NOW = timedelta(minutes=1)

log = structlog.get_logger()

Label = Callable[[NodeId], Awaitable[str]]


class AccessRequests:
    """Takes requests and refusals, and ends what has had its time."""

    def __init__(self, store: Store, label: Label, clock: Clock) -> None:
        self._store = store
        self._label = label
        self._clock = clock

    async def holders(self, node_id: NodeId, but: UserId) -> list[UserId]:
        """Who could share a session for the node that can be used, by id."""
        held = (await self._store.known()).held
        return sorted(
            user
            for user, by_node in held.items()
            if user != but and node_id in by_node and not by_node[node_id].is_locked
        )

    async def ask(
        self, asker: UserId, node: Node, holders: Sequence[UserId], reason: str
    ) -> AccessRequest:
        """Ask these for access. Raises Refused."""
        now = self._clock.now()
        request = AccessRequest(new_id(), asker, node.id, tuple(holders), now)
        async with self._store.write() as tx:
            if await tx.sessions.usable(asker, ChannelId(""), node.id):
                raise Refused(say("You have access to {node} already.", node=node.label))
            _require_room(await tx.access.since(asker, now - _DAY), node)
            if not await tx.access.begin(request):  # another replica was faster
                raise _asked_already(node)
            for holder in holders:
                card = access_cards.card(request, node.label, reason)
                await _put(tx, access_cards.key_of(request, holder), holder, card, now)
            details = {"of": list(holders)}
            tx.audit.append(
                AuditEntry(
                    AuditKind.ACCESS_REQUESTED, now, actor=asker, node=node.id, reason=reason,
                    details=details,
                )
            )  # fmt: skip
        log.info("access.requested", node=node.id, by=asker, of=len(holders))
        return request

    async def find(self, request_id: str, holder: UserId) -> AccessRequest:
        """The request, if it waits for the answer of `holder`. Raises Refused."""
        async with self._store.read() as tx:
            request = await tx.access.find(request_id)
        if request is not None and holder not in request.holders:
            raise Refused(say("You were not asked for this."))
        is_open = request is not None and request.state is AccessState.OPEN
        if request is None or not is_open or holder in request.refused:
            raise Refused(say("This was answered already, or has expired."))
        return request

    async def waiting_for(self, holder: UserId) -> list[AccessRequest]:
        """The requests that this holder has not answered yet, the oldest first."""
        async with self._store.read() as tx:
            found = await tx.access.open()
        return [one for one in found if holder in one.holders and holder not in one.refused]

    async def tells(self, request: AccessRequest, holder: UserId) -> bool:
        """Whether the card of one who was asked says that they share their session."""
        async with self._store.read() as tx:
            card = await tx.messages.find(access_cards.key_of(request, holder))
        return card is not None and _names(card, holder)

    async def decline(self, request_id: str, holder: UserId) -> None:
        """Say no. Raises Refused where there is nothing to answer any more."""
        found = await self.find(request_id, holder)
        node, now = await self._label(found.node), self._clock.now()
        async with self._store.write() as tx:
            request = await tx.access.refuse(request_id, holder)
            if request is None:
                raise Refused(say("This was answered already, or has expired."))
            card = access_cards.declined(request, node)
            await _put(tx, access_cards.key_of(request, holder), holder, card, now)
            details = {"with": request.asker}
            entry = AuditEntry(
                AuditKind.ACCESS_DECLINED, now, actor=holder, node=request.node, details=details
            )
            tx.audit.append(entry)
            if set(request.refused) >= set(request.holders):
                await tx.access.end(request.id, AccessState.REFUSED, now)
                answer = access_cards.refused(request, node)
                await _put(tx, access_cards.told_key(request), request.asker, answer, now)

    # What ends by itself

    async def look(self) -> None:
        """Tell of shares that end, end them, and close what nobody has answered."""
        now = self._clock.now()
        async with self._store.read() as tx:
            shares = await tx.sessions.is_due(now, now + _SOON)
            requests = await tx.access.open()
        if shares:
            await self._end_shares(now)
        held = (await self._store.known()).held if requests else {}
        for request in requests:
            left = set(request.holders) - set(request.refused)
            if request.created_at <= now - access_cards.WAITS:
                await self._expire(request, now)
            elif not any(request.node in held.get(holder, ()) for holder in left):
                await self._forsake(request, now)

    async def _end_shares(self, now: datetime) -> None:
        labels = await self._labels()
        async with self._store.write() as tx:
            for share in await tx.sessions.end_shares(now):
                details = {"with": share.audience, "because": "the agreed time is over"}
                tx.audit.append(
                    AuditEntry(
                        AuditKind.SESSION_UNSHARED, now, node=share.node,
                        details={**details, "of": share.user},
                    )
                )  # fmt: skip
                told = access_cards.has_ended(share, labels.get(share.node, share.node[:8]))
                await _tell(tx, share, "ended", told, now)
                log.info("session.share_ended", node=share.node, of=share.user)
            for share in await tx.sessions.warn_shares(now + _SOON):
                if share.ends_at is not None and share.ends_at - share.created_at > _SHORT:
                    told = access_cards.ends_soon(share, labels.get(share.node, share.node[:8]))
                    await _tell(tx, share, "soon", told, now)

    async def _labels(self) -> dict[str, str]:
        return {node.id: node.label for node in (await self._store.known()).nodes()}

    async def _expire(self, request: AccessRequest, now: datetime) -> None:
        node = await self._label(request.node)
        async with self._store.write() as tx:
            if not await tx.access.end(request.id, AccessState.EXPIRED, now):
                return
            for holder in set(request.holders) - set(request.refused):
                card = access_cards.expired(request, node)
                await _put(tx, access_cards.key_of(request, holder), holder, card, now)
            answer = access_cards.unanswered(request, node)
            await _put(tx, access_cards.told_key(request), request.asker, answer, now)
            details = {"by": request.asker}
            entry = AuditEntry(AuditKind.ACCESS_EXPIRED, now, node=request.node, details=details)
            tx.audit.append(entry)

    async def _forsake(self, request: AccessRequest, now: datetime) -> None:
        """Answer a request that nobody can grant: of those left to answer none has a session."""
        node = await self._label(request.node)
        state = AccessState.REFUSED if request.refused else AccessState.EXPIRED
        async with self._store.write() as tx:
            if not await tx.access.end(request.id, state, now):
                return
            for holder in set(request.holders) - set(request.refused):
                card = access_cards.without_session(request, node)
                await _put(tx, access_cards.key_of(request, holder), holder, card, now)
            answer = access_cards.forsaken(request, node)
            await _put(tx, access_cards.told_key(request), request.asker, answer, now)
            details = {"by": request.asker, "because": "nobody asked has a session any more"}
            entry = AuditEntry(AuditKind.ACCESS_EXPIRED, now, node=request.node, details=details)
            tx.audit.append(entry)


async def require_unanswered(tx: UnitOfWork, share: Share, node: Node) -> None:
    """Two who press at once do not both share: whoever asked is told once.

    Raises Refused where another of those who were asked has just shared theirs.
    """
    asked = await tx.access.since(share.audience, share.created_at - _DAY - _JUST_NOW)
    answered = [
        one
        for one in asked
        if one.node == share.node and one.state is AccessState.GRANTED and share.user in one.holders
    ]
    for other in await tx.sessions.shares_with(UserId(share.audience), ChannelId("")):
        is_new = share.created_at - other.created_at < _JUST_NOW
        is_asked = any(other.user in one.holders for one in answered)
        if is_asked and is_new and other.node == share.node and other.user != share.user:
            told = say(
                "{user} has just shared a session for {node} with {asker}: yours is not needed.",
                user=mention(other.user),
                node=node.label,
                asker=mention(UserId(share.audience)),
            )
            raise Refused(told)


async def retell(tx: UnitOfWork, share: Share, told: Reply, now: datetime) -> None:
    """Let what told a person of a share say what has become of that.

    A message that nobody can read may tell of another's share, and stays as it is.
    """
    if share.kind is not Audience.PERSON:
        return
    asked = await tx.access.since(share.audience, share.created_at - _DAY - _JUST_NOW)
    granted = [one for one in asked if one.state is AccessState.GRANTED]
    keys = [access_cards.told_key(one) for one in granted if one.node == share.node]
    for key in (access_cards.begun_key(share), *keys):
        message = await tx.messages.find(key)
        if message is not None and _names(message, share.user):
            await _put(tx, key, UserId(share.audience), told, now)


async def end_with_session(
    tx: UnitOfWork, shares: Sequence[Share], node: str, now: datetime, **details: str
) -> None:
    """Tell and record that shares are taken back, since the session that they are of is erased."""
    for share in shares:
        await retell(tx, share, access_cards.taken_away(share, node), now)
        tx.audit.append(
            AuditEntry(
                AuditKind.SESSION_UNSHARED, now, actor=share.user, node=share.node,
                details={"with": share.audience, **details},
            )
        )  # fmt: skip


async def tell_shared(
    tx: UnitOfWork, share: Share, node: Node, also: Mapping[str, Reply], now: datetime
) -> None:
    """Tell whoever gets a session, once for each share, and what is pending on the node (`also`).

    The latter by the keys under which it is kept true. Where they had asked for it, that request
    says so, to all who were asked.
    """
    if share.kind is not Audience.PERSON:
        return
    answer = access_cards.granted_to_user(share, node)
    key = access_cards.begun_key(share)
    for request in await tx.access.open_of(share.audience):
        if request.node != share.node:
            continue
        if not await tx.access.end(request.id, AccessState.GRANTED, now):
            continue
        for holder in request.holders:
            card = access_cards.granted(request, share, node.label, holder)
            await _put(tx, access_cards.key_of(request, holder), holder, card, now)
        key = access_cards.told_key(request)
    await _put(tx, key, UserId(share.audience), answer, now)
    for key, told in also.items():
        await _put(tx, key, UserId(share.audience), told, now)


def _names(message: Message, user: UserId) -> bool:
    """Whether a message names somebody, as far as it can be read."""
    try:
        return user in mentioned(load(message.content))
    except ValueError:  # damaged, or of a version that says it otherwise
        return False


def _require_room(asked: Sequence[AccessRequest], node: Node) -> None:
    """Nobody is asked again and again. Raises Refused."""
    here = [one for one in asked if one.node == node.id]
    if any(one.state is AccessState.OPEN for one in here):
        raise _asked_already(node)
    denied = [one for one in here if one.state is AccessState.REFUSED]
    if denied:
        raise Refused(
            say(
                "{people} said no to this. You can ask again after {time}.",
                people=people_line(denied[-1].refused),
                time=time(denied[-1].created_at + _DAY),
            )
        )
    hint = say("Wait for the answers, or talk to the people whom you asked.")
    waiting = sum(one.state is AccessState.OPEN for one in asked)
    if waiting >= _MOST_OPEN:
        raise Refused(
            say(
                "{number} of your requests for access are open, the most at a time.", number=waiting
            ),
            hint=hint,
        )
    if len(asked) >= _MOST_A_DAY:
        since = sorted(one.created_at for one in asked)[-_MOST_A_DAY]
        raise Refused(
            say(
                "You have asked for access {number} times within a day, the most that is possible. "
                "You can ask again after {time}.",
                number=len(asked),
                time=time(since + _DAY),
            ),
            hint=hint,
        )


def _asked_already(node: Node) -> Conflict:
    return Conflict(
        say("You have asked for access to {node} already.", node=node.label),
        hint=say("You are told as soon as somebody answers."),
    )


async def _put(tx: UnitOfWork, key: str, person: UserId, reply: Reply, now: datetime) -> None:
    await tx.messages.put(key, Place.direct(person), dump(reply), now)


async def _tell(
    tx: UnitOfWork,
    share: Share,
    stage: str,
    told: Sequence[tuple[str, Reply]],
    now: datetime,
) -> None:
    for place, reply in told:
        await _put(tx, access_cards.share_key(share, stage, place), UserId(place), reply, now)
