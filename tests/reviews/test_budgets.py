"""Budgets as rules: what a budget that is spent asks for, and faults of the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.ids import ChannelId, UserId
from bot.language.canonical import known_arguments
from bot.model import Effect, TakesGpus
from bot.reviews.differences import differences, other_settings
from bot.reviews.policy import DecisionKind, Policy, Request, decide
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.reviews.rule_arguments import Guarded
from bot.reviews.rule_reasons import reasons

BUDGET = '[[budget]]\nname = "research"\nperson = "U0ALICE"\nusd = 500\n'
CREATE = Request(UserId("U0ALICE"), ChannelId("C1"), "vm.create", Effect.CHANGE, {"gpu": "2"})
SPENT = replace(CREATE, over=frozenset({"research"}))


def policy(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, known_arguments(command_table()))


def test_only_what_makes_its_cost_grow_needs_approval_once_it_is_spent(tmp_path: Path) -> None:
    rules = policy(tmp_path, BUDGET)
    assert decide(rules, CREATE).kind is DecisionKind.RUN
    decision = decide(rules, SPENT)
    assert (decision.kind, decision.approvals) == (DecisionKind.APPROVE, 1)
    assert "budget: research" in decision.rules
    free = (
        replace(SPENT, arguments={"gpu": "0"}),
        replace(SPENT, person=UserId("U0BOB")),
        replace(SPENT, command="vm.modify", arguments={"mem": "8"}),
        replace(SPENT, command="disk.add", arguments={}),
    )
    assert {decide(rules, one).kind for one in free} == {DecisionKind.RUN}
    grows = replace(SPENT, command="vm.modify", arguments={"gpu": "4"})
    assert decide(rules, grows).kind is DecisionKind.APPROVE


def test_a_budget_counts_whatever_row_says_that_it_takes_gpus(tmp_path: Path) -> None:
    known = dict(known_arguments(command_table()))
    known["vm.wake"] = Guarded(takes_gpus=TakesGpus.ALWAYS)
    path = tmp_path / "policy.toml"
    path.write_text(BUDGET, encoding="utf-8")
    wakes = replace(SPENT, command="vm.wake", arguments={})
    assert decide(read_policy(path, known), wakes).kind is DecisionKind.APPROVE
    # Without a table, nothing is known to take none.
    assert decide(read_policy(path), wakes).kind is DecisionKind.APPROVE
    known["vm.wake"] = Guarded()
    assert decide(read_policy(path, known), wakes).kind is DecisionKind.RUN


def test_rules_can_go_by_a_budget_that_is_spent(tmp_path: Path) -> None:
    rule = (
        '[[rule]]\nname = "stop"\ndeny = "No."\nmatch = { command = "vm.*", over = "research" }\n'
    )
    rules = policy(tmp_path, BUDGET + rule)
    assert decide(rules, SPENT).kind is DecisionKind.DENY
    assert decide(rules, CREATE).kind is DecisionKind.RUN


def test_a_difference_of_budgets_is_found(tmp_path: Path) -> None:
    known = known_arguments(command_table())
    old, new = policy(tmp_path, ""), policy(tmp_path, BUDGET)
    found = [one for one in differences(old, new, known) if "vm.create" in one.commands]
    assert [one.example.over for one in found] == [{"research"}]
    more = policy(tmp_path, BUDGET.replace("500", "600"))
    assert differences(new, more, known) == []
    (told,) = other_settings(new, more)
    assert told == (
        "budget research", "500 USD a month, told at 80 %", "600 USD a month, told at 80 %"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BUDGET.replace('person = "U0ALICE"\n', ""), "needs a `person` or a `channel`"),
        (BUDGET + "dbc = 5\n", "needs either `usd` or `dbc`"),
        (BUDGET.replace("usd = 500\n", ""), "needs either `usd` or `dbc`"),
        (BUDGET + BUDGET, "two budgets are called “research”"),
        (BUDGET + BUDGET.replace("research", "Ｒesearch"), "two budgets are called “Ｒesearch”"),
        (BUDGET.replace("research", " \u200b"), "`name` must not be empty"),
        (BUDGET.replace("500", "500.5"), "whole number"),
        (
            '[[rule]]\nname = "Budget: research"\napprovals = 1\nmatch = { effect = "change" }\n',
            "must not begin with “budget:”",
        ),
        ('[[rule]]\nname = "a"\napprovals = 1\nmatch = { over = "x" }\n', "there is no budget “x”"),
    ],
)
def test_a_faulty_budget_is_said_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(FaultyPolicy) as found:
        policy(tmp_path, text)
    assert fault in found.value.sentence
    assert "line" in found.value.sentence


def test_a_reason_is_not_sure_to_be_needed_while_a_budget_may_not_be_spent(tmp_path: Path) -> None:
    rule = (
        '[[rule]]\nname = "why"\nreason = "^OPS"\n'
        'match = { command = "vm.create", over = "research" }\n'
    )
    rules = policy(tmp_path, BUDGET + rule)
    asked = reasons(rules, CREATE.person, CREATE.channel, "vm.create", {Effect.CHANGE})
    assert asked == {"^OPS": False}
