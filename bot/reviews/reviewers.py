"""Who may decide on what, at this moment: the rules, the rights of people, and what was shown.

Rights are read when they matter, at the click; else who is in a user group is remembered for a
minute, and who somebody is for seconds, where very many are asked about. What Slack will never
answer (no such person, a missing permission) counts as no right; what it may answer later raises.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.clock import Clock
from bot.errors import Denied, Refused
from bot.ids import ChannelId, NodeId, UserId
from bot.model import Approval, Effect, Execution, Node, ReviewKind
from bot.ports import DeliveryFailed, Directory, RightsUnknown
from bot.reply import Line, code, command, line, listed, say, say_number
from bot.reviews.directory_cache import Moment
from bot.reviews.policy import Decision, DecisionKind, Policy, Request, decide
from bot.reviews.policy_book import PolicyBook
from bot.reviews.policy_values import People
from bot.reviews.rule_reasons import reasons
from bot.services.people import RecentPeople
from bot.services.sessions import Sessions
from bot.services.user_groups import AsOfNow, Groups, UserGroups, group_named

_MOST_ASKED = 8  # people who get a copy of the card in their direct messages


class TooFew(Refused):
    """Fewer people could approve it than have to."""


class Reviewers:
    """Rules and rights together."""

    def __init__(
        self,
        book: PolicyBook,
        sessions: Sessions,
        people: RecentPeople,
        groups: UserGroups,
        clock: Clock,
        members: Callable[[], Awaitable[Groups]] | None = None,
        directory: Directory | None = None,
        over: Callable[[], Awaitable[frozenset[str]]] | None = None,
    ) -> None:
        self._book = book
        self._over = over  # names the budgets that are spent
        self._sessions = sessions
        self._people = people
        self._directory = directory or people
        self._groups = groups
        self._clock = clock
        self._members = members or groups.recent

    @property
    def rules(self) -> Policy:
        """The rules in force: the same object until they are replaced."""
        return self._book.current

    def at_this_moment(self) -> "Reviewers":
        """The same for one decision or one list: who people are is asked for once."""
        return self._with(self._members, self._directory)

    def at_a_click(self) -> "Reviewers":
        """The same for one click: all that Slack says of rights is asked for after it, once."""
        return self._with(AsOfNow(self._groups), self._people.now)

    def _with(self, members: Callable[[], Awaitable[Groups]], directory: Directory) -> "Reviewers":
        return Reviewers(
            self._book,
            self._sessions,
            self._people,
            self._groups,
            self._clock,
            members,
            Moment(directory),
            self._over,
        )

    async def decision(self, execution: Execution, *, glass: bool | None = None) -> Decision:
        """What the rules say now; `glass` says whether to consider their break-glass part.

        Raises DeliveryFailed if user groups cannot be read.
        """
        breaks = bool(execution.arguments.get("break_glass"))
        asked = request_of(execution)
        policy = self._book.current
        glass = breaks if glass is None else glass
        wanted = policy.groups_about(asked, glass=glass)
        # To break the glass is a right that is used at once, like one at a click.
        reviewers = self.at_a_click() if breaks and glass else self
        return decide(policy, await reviewers._placed(asked, wanted))  # noqa: SLF001 - its like

    async def outlook(
        self, person: UserId, channel: ChannelId, asked: Mapping[str, Effect]
    ) -> dict[str, Decision]:
        """What the rules would say of commands without arguments: of each id, with its effect.

        Raises DeliveryFailed if user groups cannot be read.
        """
        policy, found = self._book.current, {}
        for name, effect in asked.items():
            one = Request(person, channel, name, effect, {})
            found[name] = decide(policy, await self._placed(one, policy.groups_about(one)))
        return found

    def reasons(
        self, person: UserId, channel: ChannelId, command: str, effects: Collection[Effect]
    ) -> Mapping[str, bool]:
        """The patterns that a reason may have to match; of each, whether it surely has to."""
        return reasons(self.rules, person, channel, command, effects)

    async def allow(self, asked: Request) -> None:
        """Raise Denied where the rules deny this, as far as it is known: before anything is read.

        Nobody is asked where no rule denies. Raises RightsUnknown while Slack does not say.
        """
        policy = self._book.current
        try:
            asked = await self._placed(asked, policy.groups_about(asked, denials=True))
        except RightsUnknown:
            raise
        except DeliveryFailed as failure:
            raise Refused(
                say("Slack did not say who may do this ({reason}).", reason=failure.reason),
                hint=say("Try again."),
            ) from failure
        decision = decide(policy, asked)
        if decision.kind is DecisionKind.DENY:
            raise Denied(decision.why)

    async def hidden(
        self, person: UserId, channel: ChannelId, command: str, *, asking: bool = True
    ) -> frozenset[str]:
        """The nodes that the rules deny to read with this command, by id.

        A list over several nodes leaves them out.
        """
        asked = Request(person, channel, command, Effect.READ, {})
        return frozenset(await self.denied_nodes(asked, asking=asking))

    async def hidden_as_known(self, person: UserId, command: str) -> frozenset[str]:
        """The same wherever it is, and by who was in a user group last while Slack does not say.

        For what nobody may miss: it is told once, and Slack may not say just then.
        """
        asked = Request(person, ChannelId(""), command, Effect.READ, {})
        return frozenset(await self.denied_nodes(asked, as_known=True))

    async def denied_nodes(
        self, asked: Request, *, asking: bool = True, as_known: bool = False
    ) -> Mapping[str, str]:
        """The nodes of which the rules deny what is asked, by id, and in which words.

        While Slack does not say who is in a user group, or is not asked, whoever might be in it
        counts as being in it; or, `as_known`, whoever was in it when Slack said so last.
        """
        policy = self._book.current
        named = sorted({node for rule in policy.rule if rule.deny for node in rule.match.node})
        each = [replace(asked, node=NodeId(node)) for node in named]
        wanted = {group for one in each for group in policy.groups_about(one, denials=True)}
        placed = replace(asked, closed=frozenset(wanted))
        if as_known:
            placed = self._grouped(asked, wanted, self._groups.last_known, guessing=True)
        if asking:
            with suppress(DeliveryFailed):
                placed = await self._placed(asked, wanted, guessing=True)
        decisions = {node: decide(policy, replace(placed, node=NodeId(node))) for node in named}
        return {
            node: said.why for node, said in decisions.items() if said.kind is DecisionKind.DENY
        }

    async def _placed(
        self, asked: Request, wanted: Collection[str], *, guessing: bool = False
    ) -> Request:
        """It, with those of the wanted groups that its person is in, or may be. Nobody is asked
        where none is wanted. Raises DeliveryFailed; not for a group alone that cannot be read
        where it is `guessing`: whoever might be in it counts as being in it.
        """
        if self._over is not None and any(r.hangs_on_budgets(asked) for r in self.rules.rules):
            asked = replace(asked, over=await self._over())
        if not wanted:
            return asked
        return self._grouped(asked, wanted, await self._members(), guessing=guessing)

    def _grouped(
        self, asked: Request, wanted: Collection[str], known: Groups, *, guessing: bool
    ) -> Request:
        mine: set[str] = set()
        closed: set[str] = set()
        for name in sorted(wanted):
            try:
                group = group_named(known, name)
            except RightsUnknown:
                if not guessing:
                    raise
                closed.add(name)
                continue
            if group is not None and group.is_active:
                self._groups.tell_open(name)
                mine |= {name} if asked.person in group.members else set()
                continue
            self._groups.tell_closed(name, is_known=group is not None)
            # Of a disabled group Slack may still say who was in it; of one that is gone, never.
            if group is None or not group.members or asked.person in group.members:
                closed.add(name)
        return replace(asked, groups=frozenset(mine), closed=frozenset(closed))

    async def is_one_of(self, person: UserId, some: People, *, now: bool = True) -> bool:
        """Whether a person is one of these, `now` or as known lately. Raises DeliveryFailed."""
        members = await (self.at_a_click() if now else self)._members_of([some])  # noqa: SLF001
        return some.has(person, _groups_of(person, members))

    async def _members_of(self, people: Sequence[People]) -> Mapping[str, frozenset[UserId]]:
        """Who is in the groups that are among these people. Raises DeliveryFailed."""
        wanted = sorted({group for some in people for group in some.groups})
        known = await self._members() if wanted else {}
        found: dict[str, frozenset[UserId]] = {}
        for name in wanted:
            group = group_named(known, name)
            if group is not None and group.is_active:
                self._groups.tell_open(name)
                found[name] = group.members
            else:
                self._groups.tell_closed(name, is_known=group is not None)
        return found

    async def candidates(self, execution: Execution, decision: Decision) -> list[UserId]:
        """Who could approve it now, at most a handful; people are looked at one by one."""
        return await self.at_this_moment()._candidates(execution, decision)  # noqa: SLF001 - its like

    async def _candidates(self, execution: Execution, decision: Decision) -> list[UserId]:
        found: list[UserId] = []
        members = await self._members_of(decision.approvers)
        for user in await self._possible(execution, decision, members):
            if user == execution.actor and not decision.self_approval:
                continue
            if not decision.may_approve(user, _groups_of(user, members)):
                continue
            if await self._is_full_member(user):
                found.append(user)
            if len(found) >= max(_MOST_ASKED, decision.approvals):
                break
        return found

    async def _possible(
        self, execution: Execution, decision: Decision, members: Mapping[str, frozenset[UserId]]
    ) -> list[UserId]:
        """Those the rules name; where they name nobody, those entitled to the node."""
        if not decision.approvers:
            return await self._sessions.entitled(execution.node)
        people: set[UserId] = set()
        for some in decision.approvers:
            people.update(map(UserId, some.persons))
        people.update(*members.values())
        return sorted(people)

    def has_left(self, user: UserId) -> bool:
        """Whether somebody was no full member when that was last found out; nobody is asked."""
        return self._people.was_no_member(user)

    async def _is_full_member(self, user: UserId) -> bool:
        is_full = await self._is_described_as_one(user)
        self._people.note(user, is_member=is_full)
        return is_full

    async def _is_described_as_one(self, user: UserId) -> bool:
        try:
            return (await self._directory.person(user)).is_full_member
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            return False

    async def check(
        self, approval: Approval, execution: Execution, user: UserId, channel: ChannelId
    ) -> Decision | None:
        """Raise Refused, with the reason, unless `user` may decide on it now, in `channel`.

        Gives what the rules say of it; nothing where only the requester may confirm. Raises
        DeliveryFailed when Slack does not say, but may say later.
        """
        try:
            return await self._check(approval, execution, user, channel)
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            raise Refused(
                say(
                    "Slack does not let me find out who may decide on this ({reason}).",
                    reason=failure.reason,
                ),
                hint=say("Tell whoever runs this bot."),
            ) from failure

    async def may_decide(
        self, approval: Approval, execution: Execution, user: UserId, channel: ChannelId
    ) -> bool:
        """Whether `user` may decide on it at this moment, in `channel`. Raises DeliveryFailed."""
        try:
            await self.check(approval, execution, user, channel)
        except Refused:
            return False
        return True

    async def _check(
        self, approval: Approval, execution: Execution, user: UserId, channel: ChannelId
    ) -> Decision | None:
        if not await self._is_full_member(user):
            raise Refused(say("Only full members of this workspace can decide on this."))
        if approval.kind is ReviewKind.CONFIRM:
            if user != approval.reviewer:
                raise Refused(say("Only the requester can confirm or cancel this."))
            return None
        if user == execution.actor and not approval.self_approval:
            raise Refused(say("You requested this yourself: someone else must decide."))
        decision = await self.decision(execution)
        members = await self._members_of(decision.approvers)
        if not decision.may_approve(user, _groups_of(user, members)):
            raise Refused(say("You may not decide on this: the rules name others."))
        # A session shared with a channel entitles its members, and only there is known who is one.
        if not decision.approvers and not await self._sessions.is_entitled(
            user, execution.node, channel
        ):
            raise Refused(
                say("You may not decide on this: you hold no session for its node."),
                hint=line(say("Add yours with: {command}", command=command("session add"))),
            )
        return decision

    async def still_asked(
        self, people: Sequence[UserId], execution: Execution, decision: Decision
    ) -> list[UserId]:
        """Those of `people` whom the rules let approve it now. Raises DeliveryFailed."""
        if not decision.approvers:
            entitled = await self._sessions.entitled(execution.node)
            found = [user for user in people if user in entitled]
        else:
            members = await self._members_of(decision.approvers)
            found = [u for u in people if decision.may_approve(u, _groups_of(u, members))]
        return [user for user in found if not self._people.was_no_member(user)]

    async def others(self, execution: Execution, decision: Decision) -> list[UserId]:
        """Who could review what somebody ran without approval, or still has to."""
        found = await self.candidates(execution, decision)
        return [user for user in found if user != execution.actor]

    async def require_reviewers(
        self, execution: Execution, decision: Decision, node: Node | None
    ) -> list[UserId]:
        """The people who could approve. Raises Refused when there are too few."""
        found = await self.candidates(execution, decision)
        by_channel = not decision.approvers and await self.sharing_channel(execution)
        if len(found) >= decision.approvals or by_channel:
            return found
        needed = decision.approvals
        told = say_number(
            "This needs {number} approval by someone else, and nobody could give one.",
            "This needs {number} approvals by someone else, and nobody could give one.",
            needed,
        )
        if found:
            told = say_number(
                "This needs {number} approval by someone else, and only {found} could give one.",
                "This needs {number} approvals by someone else, and only {found} could give one.",
                needed,
                found=len(found),
            )
        raise TooFew(told, hint=await self._way_out(execution, decision, node))

    async def _way_out(self, execution: Execution, decision: Decision, node: Node | None) -> Line:
        """How to go on when too few people may approve."""
        if decision.approvers:
            members = await self._members_of(decision.approvers)
            gone = {g for some in decision.approvers for g in some.groups} - members.keys()
            more = say("Let the rules name more approvers.")
            if not gone:
                return line(more)
            told = say("Disabled or gone in Slack: {groups}.", groups=listed(sorted(gone)))
            return line(told, " ", more)
        if self._book.has_nobody_entitled(execution.command):
            whom = say("people with a session")
            if node:
                whom = say("people with a session for {node}", node=node.label)
            return line(
                say(
                    "By the rules only {whom} could approve this, and nobody else has "
                    "one. Whoever runs this bot has to name {approvers} for it in the "
                    "rules.",
                    whom=whom,
                    approvers=code("approvers"),
                )
            )
        add, share = command("session add"), command("session share")
        if node is None:
            return line(
                say(
                    "Somebody else needs a session: they add theirs with {add}, or you share "
                    "yours with {share}.",
                    add=add,
                    share=share,
                )
            )
        return line(
            say(
                "Somebody else needs a session for {node}: they add theirs with {add}, or you "
                "share yours with {share}.",
                node=node.label,
                add=add,
                share=share,
            )
        )

    async def sharing_channel(self, execution: Execution) -> str:
        """The channel it was asked in, where a session for its node is shared with that; or none.

        Its members may approve there, where the rules name nobody else.
        """
        shared = await self._sessions.shared_channels(execution.node) if execution.node else []
        return execution.place.channel if execution.place.channel in shared else ""


def request_of(execution: Execution) -> Request:
    """What is asked, as the rules see it."""
    return Request(
        person=execution.actor,
        channel=execution.place.channel,
        command=execution.command,
        effect=execution.effect,
        # What was found out for an argument that was left out counts like one given.
        arguments={**execution.facts, **execution.arguments},
        node=execution.node,
        task=execution.task,
    )


def since_requested(refusal: Refused) -> Refused:
    """The refusal of what was not refused when it was requested, in words that say so."""
    return Refused(
        say(
            "What the rules require has changed since this was requested. {refusal}",
            refusal=refusal.words,
        ),
        hint=refusal.hint,
    )


def nobody_left(refusal: Refused) -> Refused:
    """The refusal of what enough people could approve when it was requested."""
    return Refused(
        say(
            "Who may approve this has changed since it was requested. {refusal}",
            refusal=refusal.words,
        ),
        hint=refusal.hint,
    )


def _groups_of(user: UserId, members: Mapping[str, frozenset[UserId]]) -> frozenset[str]:
    return frozenset(group for group, people in members.items() if user in people)
