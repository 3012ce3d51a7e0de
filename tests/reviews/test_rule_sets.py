"""Rules as sets: what each rule says of each request alone is what the sets say of all at once."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings

from bot.commands.rows import command_table
from bot.language.canonical import known_arguments
from bot.model import Effect
from bot.reviews.lockouts import asked, examples, lockouts, no_approver
from bot.reviews.policy import DecisionKind, Policy, Rule, decide
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.reviews.rule_sense import Reaches, together
from bot.reviews.rule_sets import RuleSets, bits
from tests.reviews.test_differences import KNOWN, WORLD, files

ROOT = Path(__file__).parents[2]
ALL_KNOWN = known_arguments(command_table())


@settings(max_examples=30, deadline=None)
@given(files())
def test_the_sets_have_the_rules_that_match(pair: tuple[Policy, Policy]) -> None:
    rules = pair[0].rules
    sets = RuleSets(rules)
    about = {command: sets.about(command, guarded) for command, guarded in KNOWN.items()}
    for one in WORLD:
        found = about[one.command].counting(one.effect, sets.around(one), partial(replace, one))
        assert list(bits(found)) == [n for n, rule in enumerate(rules) if rule.matches(one)]


@settings(max_examples=60, deadline=None)
@given(files())
def test_what_nobody_can_do_is_found_as_if_each_request_were_decided(
    pair: tuple[Policy, Policy],
) -> None:
    for policy in pair:
        found: dict[str, list[str]] = {}
        for command, guarded in KNOWN.items():
            for effect in guarded.effects({}) - {Effect.READ}:
                for number, example in enumerate(examples(policy)):
                    request = asked(example, command, guarded, effect)
                    decision = decide(policy, request)
                    why = no_approver(decision, guarded, request.person)
                    if decision.kind is not DecisionKind.APPROVE:
                        is_denied = decision.kind is DecisionKind.DENY
                        is_all = guarded.begins and not number
                        why = "it is denied to everybody" * (is_denied and is_all)
                    if why:
                        told = found.setdefault(f"{why} ({', '.join(decision.rules)}).", [])
                        told.append(f"“{command.replace('.', ' ')}”")
        listed = {f"Nobody can do {', '.join(dict.fromkeys(some))}: {why}"
                  for why, some in found.items()}  # fmt: skip
        assert set(lockouts(policy, KNOWN)) == listed


def share(one: Rule, other: Rule, reaches: Reaches) -> bool:
    """Whether both may count for one request."""
    for name in ("node", "channel", "person"):
        mine, its = set(getattr(one.match, name)), set(getattr(other.match, name))
        if mine and its and not mine & its:
            return False
    return not set(reaches.of(one)[1].pairs()).isdisjoint(reaches.of(other)[1].pairs())


@settings(max_examples=60, deadline=None)
@given(files())
def test_what_counts_for_nothing_is_found_as_if_all_pairs_were_compared(
    pair: tuple[Policy, Policy],
) -> None:
    policy, reaches = pair[0], Reaches(KNOWN)
    reviewing = [rule for rule in policy.rule if not rule.deny]
    expected = set()
    for number, rule in enumerate(policy.rule):
        effects = {effect for _, effect in reaches.of(rule)[1].pairs()}
        beside = [other for other in reviewing if share(rule, other, reaches)]
        by_default = Effect.DESTROY in effects  # which needs an approval
        is_reviewed = by_default or any(one.approvals for one in (rule, *beside))
        if effects and rule.type_name and not rule.deny and not is_reviewed:
            expected.add(number)
    found = {
        place[1] for place, _ in together(policy, reaches) if place[::2] == ("rule", "type_name")
    }
    assert found == expected


OURS = str(ROOT / "bot")


def steps(work: Callable[[], object]) -> int:
    """How many functions of ours are called by it, and how many others by these.

    What measures coverage rewrites a function once its lines are reached, in any call of it.
    """
    count = 0

    def called(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        is_ours = event in {"call", "c_call"} and frame.f_code.co_filename.startswith(OURS)
        count += is_ours

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


SHAPES = {
    "persons": ('effect = "destroy", person = "U{0:08d}"', "approvals = 2"),
    "nodes": ('command = "vm.*", effect = "destroy", node = "{0:064x}"', "approvals = 2"),
    "texts": ('command = "image.download", arguments = {{ image = "i{0}" }}', "approvals = 2"),
    "nobody": (
        'effect = "destroy", person = "U{0:08d}"',
        'approvals = 2\napprovers = {{ persons = ["U0A"] }}',
    ),
    "faulty": ('effect = "destroy", person = "U{0:08d}"', "type_nam = true"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_rules_are_about_four_times_the_work(tmp_path: Path, shape: str) -> None:
    match, then = SHAPES[shape]

    def taken(count: int) -> int:
        path = tmp_path / f"{count}.toml"
        path.write_text("".join(
            f'[[rule]]\nname = "r{n}"\nmatch = {{ {match.format(n)} }}\n{then.format(n)}\n'
            for n in range(count)
        ))  # fmt: skip

        def read() -> None:
            try:
                policy = read_policy(path, ALL_KNOWN)
            except FaultyPolicy:
                return
            lockouts(policy, ALL_KNOWN)

        return steps(read)

    taken(2)  # what is made once is made
    assert taken(160) < 5 * taken(40)
