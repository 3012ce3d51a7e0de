"""The rules as a pure function: what they say, and that more of them never allow more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refused
from bot.ids import UserId
from bot.model import Effect
from bot.reviews.policy import Decision, DecisionKind, Policy, Request, decide

STRICT = {"run": 0, "confirm": 1, "approve": 2, "deny": 3}


def request(**changes: object) -> Request:
    values: dict[str, object] = {
        "person": "U1", "channel": "C1", "command": "vm.delete", "effect": Effect.DESTROY,
        "arguments": {"vm": "train-01"}, "node": "n1", "groups": frozenset({"S1"}),
    }  # fmt: skip
    return Request(**{**values, **changes})  # type: ignore[arg-type]


def policy(*rules: Mapping[str, Any], **rest: object) -> Policy:
    named = [{"name": f"rule {n}", **rule} for n, rule in enumerate(rules)]
    return Policy.model_validate({"rule": named, **rest})


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (Effect.READ, "run"),
        (Effect.CHANGE, "run"),
        (Effect.DISRUPT, "confirm"),
        (Effect.DESTROY, "approve"),
    ],
)
def test_without_rules_the_effect_decides(effect: Effect, kind: str) -> None:
    assert decide(Policy(), request(effect=effect)).kind == kind


def test_by_default_nobody_approves_their_own_request() -> None:
    assert decide(Policy(), request()).self_approval is False


@pytest.mark.parametrize(
    "match",
    [
        {"command": "vm.*"},
        {"command": ["disk.*", "*.delete"]},
        {"effect": "destroy"},
        {"node": "n1"},
        {"channel": ["C9", "C1"]},
        {"person": "U1"},
        {"group": "S1"},
        {"arguments": {"vm": "train-01"}},
        {"command": "vm.delete", "channel": "C1", "person": "U1"},
        {},
    ],
)
def test_a_rule_counts_when_all_its_conditions_hold(match: dict[str, object]) -> None:
    decision = decide(policy({"match": match, "deny": "No."}), request())
    assert (decision.kind, decision.why) == ("deny", "No.")


@pytest.mark.parametrize(
    "match",
    [
        {"command": "disk.*"},
        {"effect": "change"},
        {"node": "n2"},
        {"channel": "C2"},
        {"person": "U2"},
        {"group": "S2"},
        {"arguments": {"vm": "other"}},
        {"command": "vm.delete", "channel": "C2"},
    ],
)
def test_a_rule_does_not_count_otherwise(match: dict[str, object]) -> None:
    assert decide(policy({"match": match, "deny": "No."}), request()).kind != "deny"


@pytest.mark.parametrize(("given", "counts"), [("true", True), ("yes", True), ("", False)])
def test_a_rule_may_ask_for_a_flag(given: str, counts: bool) -> None:
    rules = policy(
        {"match": {"command": "vm.restart", "arguments": {"force": True}}, "deny": "No."}
    )
    asked = request(command="vm.restart", arguments={"force": given})
    assert (decide(rules, asked).kind == "deny") is counts


def test_the_stricter_of_two_rules_wins() -> None:
    decision = decide(
        policy(
            {"match": {}, "approvals": 3, "denials": 2, "self_approval": True, "expires": "2h"},
            {"match": {}, "approvals": 2, "denials": 1, "self_approval": False, "expires": "30min"},
        ),
        request(),
    )
    assert decision.approvals == 3
    assert decision.denials == 1
    assert decision.self_approval is False
    assert decision.expires == timedelta(minutes=30)


def test_an_approver_must_be_one_of_every_rules_people() -> None:
    decision = decide(
        policy(
            {"match": {}, "approvals": 1, "approvers": {"groups": ["S1"]}},
            {"match": {}, "approvals": 1, "approvers": {"persons": ["U2", "U3"]}},
        ),
        request(),
    )
    assert decision.may_approve(UserId("U2"), {"S1"})
    assert not decision.may_approve(UserId("U2"), ())
    assert not decision.may_approve(UserId("U4"), {"S1"})


def test_what_several_rules_ask_for_is_all_needed() -> None:
    first = {
        "match": {}, "approvals": 2, "denials": 3, "self_approval": True,
        "expires": "2h", "remind": "20min", "type_name": True, "reason": ".+",
    }  # fmt: skip
    second = {"match": {}, "denials": 2, "remind": "5min", "reason": "^OPS"}
    assert decide(policy(first, second), request()) == Decision(
        DecisionKind.APPROVE,
        rules=("(default)", "rule 0", "rule 1"),
        approvals=2,
        denials=2,
        self_approval=True,
        reasons=(".+", "^OPS"),
        expires=timedelta(hours=2),
        remind=timedelta(minutes=5),
        type_name=True,
    )
    assert decide(policy(), request()) == Decision(
        DecisionKind.APPROVE, rules=("(default)",), approvals=1
    )


def test_every_denial_is_told_in_the_order_of_their_names() -> None:
    rules = policy(
        {"name": "b", "match": {}, "deny": "Never."}, {"name": "a", "match": {}, "deny": "No."}
    )
    assert decide(rules, request()) == Decision(
        DecisionKind.DENY, "No. Never.", ("(default)", "b", "a")
    )


def test_no_rule_keeps_anybody_from_their_own_approvals() -> None:
    frozen = policy({"match": {}, "deny": "Frozen."})
    decision = decide(frozen, request(command="approval.cancel", effect=Effect.CHANGE))
    assert decision == Decision(DecisionKind.RUN, rules=("(default)",))


@pytest.mark.parametrize(
    ("changes", "glass", "wanted"),
    [
        ({}, False, {"S1"}),
        ({}, True, {"S1", "S3", "S6"}),
        ({"command": "vm.start", "effect": Effect.CHANGE}, False, set()),
        ({"command": "vm.start", "effect": Effect.CHANGE}, True, {"S3"}),
        ({"command": "vm.delete", "node": "n2"}, False, {"S1", "S4"}),
        ({"command": "vm.list", "effect": Effect.READ}, True, set()),
        ({"command": "approval.cancel", "effect": Effect.CHANGE}, True, set()),
    ],
)
def test_only_user_groups_on_which_the_decision_hangs_are_looked_up(
    changes: dict[str, object], *, glass: bool, wanted: set[str]
) -> None:
    rules = policy(
        {"match": {"command": "vm.delete", "group": "S1"}, "approvers": {"groups": ["S2"]}},
        {"match": {"effect": ["change", "destroy"]}, "break_glass": {"groups": ["S3"]}},
        {"match": {"command": "vm.delete", "node": "n2", "group": "S4"}, "deny": "No."},
        defaults={"destroy": {"approvals": 1, "break_glass": {"groups": ["S6"]}}},
        audit={"auditors": {"groups": ["S5"]}},
    )
    assert rules.groups_about(request(**changes), glass=glass) == wanted


def test_a_rule_whose_group_is_closed_counts_and_gives_nothing() -> None:
    match = {"group": "S9"}
    rules = policy(
        {"match": match, "self_approval": True, "denials": 3, "break_glass": {"persons": ["U1"]}},
        {"match": match, "approvals": 2, "reason": "."},
    )
    closed = decide(rules, request(closed=frozenset({"S9"})))
    assert (closed.approvals, closed.reasons) == (2, (".",))
    assert (closed.self_approval, closed.denials, closed.break_glass) == (False, 1, False)
    member = decide(rules, request(groups=frozenset({"S9"})))
    assert (member.self_approval, member.denials, member.break_glass) == (True, 3, True)
    assert decide(rules, request()).approvals == 1


@pytest.mark.parametrize(("given", "counts"), [({}, True), ({"server": "hub"}, False)])
def test_a_rule_may_ask_for_an_argument_to_be_left_out(
    given: Mapping[str, str], *, counts: bool
) -> None:
    rules = policy({"match": {"arguments": {"server": ""}}, "deny": "Say which."})
    assert (decide(rules, request(arguments=given)).kind == "deny") is counts


def test_a_reason_that_does_not_match_is_refused() -> None:
    decision = decide(policy({"match": {}, "reason": "^OPS-[0-9]+"}), request())
    decision.check_reason("OPS-17 disk full")
    refusals = []
    for reason in ("", "because"):
        with pytest.raises(Refused) as refused:
            decision.check_reason(reason)
        refusals.append((refused.value.sentence, str(refused.value.hint), refused.value.field))
    assert refusals == [
        ("A reason is needed for this.", 'Add it: reason="…"', "reason"),
        ("The reason must match “^OPS-[0-9]+”.", 'Say it: reason="…"', "reason"),
    ]


def test_glass_may_be_broken_only_by_those_whom_every_rule_that_speaks_of_it_names() -> None:
    named = {"match": {}, "break_glass": {"persons": ["U1"]}}
    nobody: dict[str, Any] = {"match": {}, "break_glass": {}}
    assert not decide(policy(), request()).break_glass
    assert decide(policy(named), request()).break_glass
    assert not decide(policy(named), request(person="U2")).break_glass
    assert not decide(policy(named, nobody), request()).break_glass


_PEOPLE = st.lists(st.sampled_from(["U1", "U2", "U3"]), max_size=2)
_RULES = st.fixed_dictionaries(
    {
        "match": st.fixed_dictionaries(
            {},
            optional={
                "command": st.sampled_from(["vm.*", "disk.*", "*"]),
                "effect": st.sampled_from(["change", "disrupt", "destroy"]),
                "person": st.sampled_from(["U1", "U2"]),
                "channel": st.sampled_from(["C1", "C2"]),
                "group": st.sampled_from(["S1", "S2"]),
            },
        )
    },
    optional={
        "deny": st.sampled_from(["", "No."]),
        "approvals": st.integers(0, 4),
        "denials": st.integers(1, 3),
        "confirm": st.booleans(),
        "self_approval": st.booleans(),
        "type_name": st.booleans(),
        "reason": st.sampled_from([".+", "^OPS"]),
        "expires": st.sampled_from(["10min", "1h"]),
        "approvers": st.fixed_dictionaries({"persons": _PEOPLE}),
        "break_glass": st.fixed_dictionaries({"persons": _PEOPLE}),
    },
)
_REQUESTS = st.builds(
    request,
    person=st.sampled_from(["U1", "U2"]),
    channel=st.sampled_from(["C1", "C2"]),
    command=st.sampled_from(["vm.delete", "disk.add"]),
    effect=st.sampled_from([Effect.CHANGE, Effect.DISRUPT, Effect.DESTROY]),
)


def no_laxer(stricter: Decision, than: Decision) -> bool:
    if stricter.kind == "deny":
        return True
    return (
        STRICT[stricter.kind] >= STRICT[than.kind]
        and stricter.approvals >= than.approvals
        and set(stricter.reasons) >= set(than.reasons)
        and (than.expires is None or (stricter.expires or timedelta.max) <= than.expires)
        and stricter.type_name >= than.type_name
        and all(
            than.may_approve(UserId(user), ())
            for user in ("U1", "U2", "U3")
            if stricter.may_approve(UserId(user), ())
        )
    )


@given(st.lists(_RULES, max_size=4), _RULES, _REQUESTS)
def test_a_rule_more_that_says_nothing_of_exceptions_never_allows_more(
    rules: list[dict[str, object]], more: dict[str, object], asked: Request
) -> None:
    before = decide(policy(*rules), asked)
    after = decide(policy(*rules, more), asked)
    assert no_laxer(after, before)
    if "self_approval" not in more:
        assert after.kind == "deny" or after.self_approval <= before.self_approval
    if "denials" not in more:
        assert after.kind == "deny" or after.denials <= before.denials
    if "break_glass" not in more:
        assert after.kind == "deny" or after.break_glass <= before.break_glass


@given(st.lists(_RULES, max_size=4), _REQUESTS, st.sampled_from(["S1", "S2"]))
def test_a_closed_group_never_allows_more_than_an_open_one(
    rules: list[dict[str, object]], asked: Request, group: str
) -> None:
    closed = decide(policy(*rules), replace(asked, groups=frozenset(), closed=frozenset({group})))
    for mine in (frozenset[str](), frozenset({group})):
        known = decide(policy(*rules), replace(asked, groups=mine))
        assert no_laxer(closed, known)
        if closed.kind == "approve":
            assert closed.self_approval <= known.self_approval or not mine


@given(st.lists(_RULES, max_size=4), _RULES, _REQUESTS)
def test_a_rule_that_denies_never_allows_more(
    rules: list[dict[str, object]], more: dict[str, object], asked: Request
) -> None:
    denying = {**more, "match": more["match"], "deny": "No."}
    before, after = decide(policy(*rules), asked), decide(policy(*rules, denying), asked)
    assert STRICT[after.kind] >= STRICT[before.kind]


def _tightened(rule: dict[str, object], how: str) -> dict[str, object]:
    """The rule, stricter in one way."""
    approvers = rule.get("approvers")
    persons = approvers["persons"] if isinstance(approvers, dict) else ["U2"]
    found = rule.get("approvals", 0)
    stricter: dict[str, dict[str, object]] = {
        "approvals": {"approvals": found + 1 if isinstance(found, int) else 1},
        "approvers": {"approvers": {"persons": persons[:1]}},
        "confirm": {"confirm": True},
        "type_name": {"type_name": True},
        "expires": {"expires": "1min"},
        "denials": {"denials": 1},
        "self_approval": {"self_approval": False},
        "break_glass": {"break_glass": {"persons": []}},
        "deny": {"deny": "No."},
        "reason": {"reason": rule.get("reason", ".+")},
        "match": {"match": {}},
    }
    return {**rule, **stricter[how]}


_WAYS = [
    "approvals", "approvers", "confirm", "type_name", "expires", "denials", "self_approval",
    "break_glass", "deny", "reason", "match",
]  # fmt: skip


@given(st.lists(_RULES, min_size=1, max_size=4), st.sampled_from(_WAYS), _REQUESTS)
def test_a_rule_that_is_tightened_never_allows_more(
    rules: list[dict[str, object]], how: str, asked: Request
) -> None:
    tight = [_tightened(rules[0], how), *rules[1:]]
    if how == "match":  # of the exceptions, what a rule says counts where it did not
        beside = ("self_approval", "break_glass", "denials")
        rules = [{k: v for k, v in rule.items() if k not in beside} for rule in rules]
        tight = [{k: v for k, v in rule.items() if k not in beside} for rule in tight]
    before, after = decide(policy(*rules), asked), decide(policy(*tight), asked)
    assert no_laxer(after, before)
    if after.kind != "deny":
        assert after.denials <= before.denials
        assert after.self_approval <= before.self_approval
        assert after.break_glass <= before.break_glass


@given(
    st.lists(_RULES, max_size=4).flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))),
    _REQUESTS,
)
def test_the_order_of_rules_means_nothing(
    orders: tuple[list[dict[str, object]], list[dict[str, object]]], asked: Request
) -> None:
    first, second = (decide(policy(*rules), asked) for rules in orders)
    for name in (
        "kind",
        "approvals",
        "denials",
        "self_approval",
        "reasons",
        "expires",
        "break_glass",
    ):
        assert getattr(first, name) == getattr(second, name)
