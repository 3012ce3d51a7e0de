"""Everything that rules can tell apart, as few requests as possible. Pure.

Whoever, wherever and whatever no rule names is the same to all of them, so one request that stands
for it is enough. Of user groups that the same rules name, one is enough.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain, combinations, product

from bot.errors import BotError
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.reviews.policy import DEFAULTED, Policy, Request, Review, Rule
from bot.reviews.rule_arguments import Argument, Guarded, Wanted, called

# What stands for all that no rule names. No id of Slack's looks like this.
ANYBODY, ANYWHERE, ANY_NODE = "U0ANYBODY0ELSE", "C0ANYWHERE0ELSE", "any other"
_OTHERS = ("other", "x.example", "192.0.2.1", *map(str, range(1, 100)), "something else")
_MOST_GROUPS = 12  # every set of them is asked about: 4,096 at most


class TooManyGroups(BotError):
    """The rules hang on so many user groups that not every set of them can be asked about."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is settled already of what is asked; everything else is gone through."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    is_whole_line: bool = False  # what it does not say is left out
    task: TaskId = TaskId("")
    node: NodeId = NodeId("")
    channel: ChannelId = ChannelId("")


def requests_about(
    policies: Sequence[Policy],
    command: str,
    guarded: Guarded,
    given: Given,
    *,
    matters: Callable[[Sequence[Policy]], bool] = lambda _: True,
) -> Iterator[tuple[Request, Sequence[Policy]]]:
    """One request for each case that the policies can tell apart, and what of these can count.

    `matters`: whether the cases that are left are asked about; it is given what can count for them.
    Raises TooManyGroups.
    """
    left = _only(policies, partial(_is_about, command=command))
    has_node = guarded.has_node or guarded.lists_nodes
    for node, here in _each(left, "node", given.node, ANY_NODE) if has_node else (("", left),):
        if not matters(here):
            continue
        for channel, there in _each(here, "channel", given.channel, ANYWHERE):
            if not matters(there):
                continue
            for person in (*_persons(there), ANYBODY):
                for_them = _only(there, partial(_names, name="person", value=person))
                if not matters(for_them):
                    continue
                place = UserId(person), ChannelId(channel)
                for asked in _asked(place, command, NodeId(node), guarded, given, for_them):
                    yield asked, for_them


def _asked(
    place: tuple[UserId, ChannelId],
    command: str,
    node: NodeId,
    guarded: Guarded,
    given: Given,
    policies: Sequence[Policy],
) -> Iterator[Request]:
    """Of one person in one place: with all arguments, budgets and user groups that matter."""
    rules = _rules(policies)
    for arguments, task in _given(rules, guarded, given):
        effects = guarded.effects({**_left_out(guarded), **arguments})
        told = {name: text for name, text in arguments.items() if text}
        for effect in sorted(effects):
            asked = Request(*place, command, effect, told, node, task=TaskId(task))
            for over in _spent(rules):
                yield from _in_groups(replace(asked, over=over), policies)


def _is_about(rule: Rule, command: str) -> bool:
    return not rule.match.command or any(fnmatchcase(command, one) for one in rule.match.command)


def _each(
    policies: Sequence[Policy], name: str, given: str, other: str
) -> Iterator[tuple[str, Sequence[Policy]]]:
    """Each value of a condition that rules tell apart, with the rules that can count for it."""
    named = {one for rule in _rules(policies) for one in getattr(rule.match, name)}
    for value in (given,) if given else (*sorted(named), other):
        yield value, _only(policies, partial(_names, name=name, value=value))


def _names(rule: Rule, name: str, value: str) -> bool:
    """Whether it can count where a condition has this value."""
    wanted = getattr(rule.match, name)
    return not wanted or value in wanted


def _only(policies: Sequence[Policy], counts: Callable[[Rule], bool]) -> Sequence[Policy]:
    return [policy.only(counts) for policy in policies]


def _rules(policies: Sequence[Policy]) -> list[Rule]:
    return [rule for policy in policies for rule in policy.rules]


def _reviews(rules: Iterable[Review], policies: Sequence[Policy]) -> Iterator[Review]:
    yield from rules
    for policy in policies:
        yield from (getattr(policy.defaults, name) for name in DEFAULTED)


def _persons(policies: Sequence[Policy]) -> list[str]:
    rules = _rules(policies)
    named = {one for rule in rules for one in rule.match.person}
    for review in _reviews(rules, policies):
        if review.break_glass is not None:
            named |= set(review.break_glass.persons)
    return sorted(named)


# Arguments


def _left_out(guarded: Guarded) -> dict[str, str]:
    return {one.name: "" for one in guarded.arguments}


def _given(
    rules: Sequence[Rule], guarded: Guarded, given: Given
) -> Iterator[tuple[dict[str, str], str]]:
    """Each set of arguments that rules or the effect tell apart, and the machine's id."""
    if given.is_whole_line:
        yield dict(given.arguments), given.task
        return
    decides_effect = len(guarded.effects({})) > 1
    names: list[Argument] = []
    values: list[tuple[str, ...]] = []
    for one in guarded.arguments:
        wanted = list(_wanted(rules, one))
        if wanted or (decides_effect and one.choices):
            names.append(one)
            values.append(_texts(one, wanted, with_choices=decides_effect))
    for texts in product(*values):
        pairs = list(zip(names, texts, strict=True))
        task = next((text for one, text in pairs if one.is_machine and text), "")
        yield {one.name: text for one, text in pairs if not one.is_machine}, task


def _wanted(rules: Sequence[Rule], argument: Argument) -> Iterator[Wanted]:
    for rule in rules:
        for name, value in rule.match.arguments.items():
            if called(name, (argument,)) is not None:
                yield value


def _texts(argument: Argument, wanted: Sequence[Wanted], *, with_choices: bool) -> tuple[str, ...]:
    """All that may be given for it, as far as it makes a difference."""
    texts = ["true" if value is True else str(value) for value in wanted if value is not False]
    if argument.is_list:
        parts = sorted({part for text in texts for part in text.split()})
        texts += [" ".join(some) for some in _subsets(parts)]
    if any(isinstance(value, bool) for value in wanted):
        texts.append("true")
    if with_choices:
        texts += argument.choices
    others = [one for one in (*argument.choices, *_OTHERS) if not argument.fault(one)]
    for other in others or _OTHERS[-1:]:
        if not any(argument.holds(other, value) for value in wanted):
            texts.append(other)
            break
    left_out = () if argument.is_required and not argument.is_machine else ("",)
    return tuple(dict.fromkeys((*left_out, *texts)))


def _spent(rules: Sequence[Rule]) -> Iterator[frozenset[str]]:
    """No budget is spent, one is, or all are of those that matter."""
    named = sorted({one for rule in rules for one in rule.match.over})
    yield from dict.fromkeys((frozenset(), *(frozenset({one}) for one in named), frozenset(named)))


# User groups


def _in_groups(asked: Request, policies: Sequence[Policy]) -> Iterator[Request]:
    """The same for each set of user groups that can matter."""
    mattering = {one for policy in policies for one in policy.groups_about(asked, glass=True)}
    alike: dict[tuple[bool, ...], str] = {}
    for group in sorted(mattering):
        alike.setdefault(tuple(_naming(group, policies)), group)
    if len(alike) > _MOST_GROUPS:
        raise TooManyGroups(
            f"The rules about {asked.command.replace('.', ' ')} tell {len(alike)} user groups "
            f"apart; more than {_MOST_GROUPS} cannot be gone through.",
            hint="Let rules name fewer groups, or ask about one case: policy check.",
        )
    for groups in _subsets(list(alike.values())):
        yield replace(asked, groups=frozenset(groups))


def _naming(group: str, policies: Sequence[Policy]) -> Iterator[bool]:
    for policy in policies:
        for rule in policy.rules:
            yield group in rule.match.group
        for review in _reviews(policy.rules, (policy,)):
            yield review.break_glass is not None and group in review.break_glass.groups


def _subsets(some: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(some, size) for size in range(len(some) + 1))
