"""What two files decide otherwise: held against every request of a small world."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.commands.rows import command_table
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.language.canonical import known_arguments
from bot.reviews.differences import differences
from bot.reviews.outcomes import Change, Outcome
from bot.reviews.policy import Decision, DecisionKind, Policy, Request, Rule, decide

COMMANDS = ("vm.restart", "vm.delete", "vm.list", "image.download", "session.add")
KNOWN = {name: known_arguments(command_table())[name] for name in COMMANDS}
PERSONS, CHANNELS = ("U0A", "U0B", "U0STRANGER"), ("C0A", "C0B", "C0FAR")
NODES, GROUPS = ("a" * 64, "b" * 64, "f" * 64), ("S0A", "S0B")
MACHINES = ("Vs7n5UDAvMhWZ99G5aKNr7", "")
# What people may give for the arguments that the rules below speak of.
GIVEN: dict[str, tuple[dict[str, str], ...]] = {
    "vm.restart": ({}, {"force": "true"}),
    "image.download": tuple(
        {"image": image, "server": server}
        for image, server in product(("a", "b"), ("s1", "s2", ""))
    ),
}
Seen = tuple[str, Outcome, Outcome]


def subsets(some: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(some, n) for n in range(len(some) + 1)))


def everything() -> Iterator[Request]:
    """Every request of a small world, whatever rules there are."""
    for command, person, channel, groups in product(COMMANDS, PERSONS, CHANNELS, subsets(GROUPS)):
        guarded = KNOWN[command]
        nodes = NODES if guarded.has_node or guarded.lists_nodes else ("",)
        has_machine = any(one.is_machine for one in guarded.arguments)
        tasks = MACHINES if has_machine else ("",)
        for node, task, arguments in product(nodes, tasks, GIVEN.get(command, ({},))):
            left_out = {one.name: "" for one in guarded.arguments}
            (effect,) = guarded.effects({**left_out, **arguments})
            yield Request(
                UserId(person),
                ChannelId(channel),
                command,
                effect,
                arguments,
                NodeId(node),
                frozenset(groups),
                task=TaskId(task),
            )


WORLD = tuple(everything())


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True)


people = st.fixed_dictionaries({"persons": some(PERSONS[:2]), "groups": some(GROUPS)})
matches = st.fixed_dictionaries(
    {},
    optional={
        "command": some((*COMMANDS, "vm.*", "*.delete")),
        "effect": some(("read", "change", "disrupt", "destroy")),
        "node": some(NODES[:2]),
        "channel": some(CHANNELS[:2]),
        "person": some(PERSONS[:2]),
        "group": some(GROUPS),
        "arguments": st.sampled_from(
            [{"force": True}, {"force": False}, {"image": "a"}, {"from": "s1"},
             {"machine": MACHINES[0]}, {"image": "a", "server": ""}]
        ),
    },
)  # fmt: skip
reviews = st.fixed_dictionaries(
    {},
    optional={
        "approvals": st.integers(0, 2),
        "confirm": st.booleans(),
        "denials": st.integers(1, 2),
        "self_approval": st.booleans(),
        "approvers": people,
        "reason": st.sampled_from(["^OPS", "."]),
        "expires": st.sampled_from(["5min", "2h"]),
        "type_name": st.booleans(),
        "break_glass": people,
    },
)
denials = st.fixed_dictionaries({"deny": st.sampled_from(["No.", "Ask."])})


def can_be_read(rule: dict[str, Any]) -> bool:
    with suppress(ValidationError):
        Rule.model_validate({"name": "a", **rule}, context={"commands": KNOWN})
        return True
    return False


rules = st.builds(lambda match, then: {"match": match, **then}, matches, reviews | denials).filter(
    can_be_read
)


@st.composite
def files(draw: st.DrawFn) -> tuple[Policy, Policy]:
    """A file of rules, and another one that has some of them as they were."""
    pool = draw(st.lists(rules, min_size=1, max_size=4))
    named = [{"name": f"rule {n}", **rule} for n, rule in enumerate(pool)]
    default = draw(st.sampled_from([{}, {"change": {"confirm": True}}]))

    def file(count: int, defaults: dict[str, Any]) -> Policy:
        document = {"rule": named[count:], "defaults": defaults}
        return Policy.model_validate(document, context={"commands": KNOWN})

    return file(0, {}), file(draw(st.integers(0, len(named))), default)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(files())
def test_no_request_is_decided_otherwise_without_being_told(pair: tuple[Policy, Policy]) -> None:
    old, new = pair
    found = differences(old, new, KNOWN)
    told = {
        (command, Outcome.of(one.before), Outcome.of(one.after))
        for one in found
        for command in one.commands
    }
    seen: set[Seen] = set()
    for asked in WORLD:
        ends = Outcome.of(decide(old, asked)), Outcome.of(decide(new, asked))
        if ends[0] != ends[1]:
            seen.add((asked.command, *ends))
    assert seen <= told
    for one in found:  # and each example shows what is told of it
        assert decide(old, one.example) == one.before
        assert decide(new, one.example) == one.after


@settings(max_examples=15, deadline=None)
@given(files())
def test_a_rule_more_is_told_to_ask_for_more(pair: tuple[Policy, Policy]) -> None:
    old, _ = pair
    for count in range(len(old.rule)):
        less = old.model_copy(update={"rule": old.rule[:count]})
        more = old.model_copy(update={"rule": old.rule[: count + 1]})
        added = old.rule[count]
        if any(getattr(added, key) is not None for key in ("self_approval", "break_glass")):
            continue  # what gives something
        if added.approvers or added.expires or added.denials:
            continue  # the first of these takes the place of a default
        for one in differences(less, more, KNOWN):
            sentences_only = one.before.kind is one.after.kind is DecisionKind.DENY
            assert one.change in {Change.MORE, Change.DENIED} or sentences_only


def test_what_only_members_of_two_groups_meet_is_told() -> None:
    both = [
        {"name": "a", "match": {"group": "S0A", "command": "vm.delete"}, "approvals": 2},
        {"name": "b", "match": {"group": "S0B", "command": "vm.delete"}, "type_name": True},
    ]
    new = Policy.model_validate({"rule": both}, context={"commands": KNOWN})
    found = differences(Policy(), new, KNOWN)
    assert {(one.after.approvals, one.after.type_name) for one in found} == {
        (2, False), (1, True), (2, True),
    }  # fmt: skip


def test_only_what_a_changed_rule_can_count_for_is_gone_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a file of some hundred rules takes minutes."""
    rules = [
        {
            "name": f"rule {n}",
            "match": {"command": "vm.*", "person": f"U0P{n:03}", "node": f"{n % 40:064x}"},
            "approvals": 1,
        }
        for n in range(200)
    ]
    one_more = {
        "name": "one more",
        "match": {"command": "vm.restart", "person": "U0PX", "node": "c" * 64},
        "deny": "No.",
    }
    old, new = (
        Policy.model_validate({"rule": some}, context={"commands": KNOWN})
        for some in (rules, [*rules, one_more])
    )
    asked = []

    def counting(policy: Policy, request: Request) -> Decision:
        asked.append(len(policy.rules))
        return decide(policy, request)

    monkeypatch.setattr("bot.reviews.differences.decide", counting)
    assert {one.because for one in differences(old, new, KNOWN)} == {("one more",)}
    assert len(asked) <= 10
    assert max(asked) <= 1
