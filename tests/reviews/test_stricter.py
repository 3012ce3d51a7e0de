"""When nothing can come of a question by the rules in force, and what they demand more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.ids import ChannelId, UserId
from bot.messages.question import told_changes
from bot.model import Effect, ReviewKind, Terms
from bot.reply import plain
from bot.reviews.policy import Decision, DecisionKind, Policy, Request, decide
from bot.reviews.stricter import against, changed
from tests.storage.samples import NOW, approval, execution

CONFIRM, APPROVE, AFTERWARDS = ReviewKind


@pytest.mark.parametrize(
    ("kind", "say", "needs", "is_over"),
    [
        (CONFIRM, DecisionKind.RUN, {}, False),
        (CONFIRM, DecisionKind.CONFIRM, {"type_name": True}, False),
        (CONFIRM, DecisionKind.APPROVE, {"approvals": 1}, True),
        (CONFIRM, DecisionKind.DENY, {}, True),
        (APPROVE, DecisionKind.RUN, {}, False),
        (APPROVE, DecisionKind.CONFIRM, {"approvals": 3}, False),
        (APPROVE, DecisionKind.APPROVE, {"approvals": 3, "type_name": True}, False),
        (APPROVE, DecisionKind.APPROVE, {"approvals": 1, "reasons": ("^OPS",)}, True),
        (APPROVE, DecisionKind.DENY, {}, True),
        (AFTERWARDS, DecisionKind.APPROVE, {"approvals": 3}, False),
        (AFTERWARDS, DecisionKind.RUN, {}, False),
        (AFTERWARDS, DecisionKind.DENY, {}, True),
    ],
)
def test_nothing_can_come_of_what_is_denied_or_asks_the_wrong_people(
    kind: ReviewKind, say: DecisionKind, needs: Mapping[str, Any], *, is_over: bool
) -> None:
    found = against(approval(kind=kind), execution(), Decision(say, **needs))
    assert (found is not None) is is_over


def test_what_the_rules_demand_more_is_told_with_the_rule_that_says_so() -> None:
    review = approval(
        kind=APPROVE, needed=1, denials=2, self_approval=True, created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    terms = Terms(NOW + timedelta(minutes=5), 1, False, needed=2, type_name=True)
    says = {
        "approvals": ("two",), "type_name": ("a", "b"), "expires": ("quick",),
        "self_approval": ("others",), "denials": ("(default)",),
    }  # fmt: skip
    decision = Decision(DecisionKind.APPROVE, approvals=2, says=says)
    assert plain(told_changes(changed(review, decision, terms))) == (
        "What the rules require has changed since this was requested: "
        "it now needs 2 approvals (rule “two”); "
        "approvers must now type what it is about (rules “a”, “b”); "
        "1 denial now ends it (by default); "
        "the requester can no longer approve it (rule “others”); "
        "it now expires 5 min after the request (rule “quick”)."
    )
    same = Terms(review.expires_at, 2, True, needed=1)
    assert changed(replace(review), decision, same) == {}


def test_a_rule_that_says_nothing_of_it_is_not_named_for_it() -> None:
    asks = {"name": "on-call", "match": {"command": "vm.delete"}, "approvals": 1}
    rules = Policy.model_validate({"rule": [asks]})
    decision = decide(
        rules, Request(UserId("U1"), ChannelId("C1"), "vm.delete", Effect.DESTROY, {})
    )
    assert decision.says["expires"] == ()
    assert "on-call" in decision.says["approvals"]
