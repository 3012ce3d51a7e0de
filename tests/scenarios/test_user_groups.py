"""Slack's user groups: asked for seldom, for what hangs on them alone, and closed where unsure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.slack.members import Usergroup
from tests.scenarios.site import (
    DELETE,
    NAME,
    approves,
    asked,
    both_stages,
    is_http,
    now,
    refused_clicks,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL, Stage

LISTS = "usergroups.list", "usergroups.users.list"
EXAMPLE = Path(__file__).parents[2] / "policy.example.toml"


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, http=is_http(request)) as one:
        yield one


def calls(stage: Stage) -> int:
    """How often Slack was asked who is in which group."""
    return sum(len(stage.ws.calls_of(method)) for method in LISTS)


def rule(match: str, *then: str, name: str = "a") -> str:
    return "\n".join(["[[rule]]", f'name = "{name}"', f"match = {{ {match} }}", *then, ""])


def leads(stage: Stage) -> Usergroup:
    group = stage.ws.add_usergroup("leads", "bob", "carol")
    rules(
        stage,
        rule(
            'command = "vm.delete"', "approvals = 1", f'approvers = {{ groups = ["{group.id}"] }}'
        ),
    )
    return group


@pytest.mark.slow
@both_stages
async def test_two_people_cause_one_call_a_minute_under_the_example(stage: Stage) -> None:
    node = stage.node("gpu1").node_id
    example = EXAMPLE.read_text(encoding="utf-8").replace(
        "b1a9e7d25b5d8c0f6a3c7f9e2d4b8a6c1e0f3d5b7a9c8e6f4d2b0a1c3e5f7d9b", node
    )
    for group, members in (
        ("S0LEADS", ("bob", "carol")),
        ("S0ONCALL", ("carol",)),
        ("S0INTERNS", ()),
        ("S0SECURITY", ()),
    ):
        stage.ws.add_usergroup(group[2:].lower(), *members, group_id=group)
    rules(stage, example)
    stage.ws.limits.strict = True
    for person in (stage.alice, stage.bob):
        for line in ("vm list", f"vm show {NAME}", "whoami", "approval list", "node list"):
            await stage.asks(person, f"/dbc {line}")
    assert calls(stage) == 0
    for person in (stage.alice, stage.bob):
        for _ in range(10):
            await stage.asks(person, f"/dbc vm restart {NAME} force --dry-run")
            await stage.asks(person, f"{DELETE} reason=OPS-1 --dry-run")
    assert calls(stage) == 1
    await stage.passes(61)
    await stage.asks(stage.alice, f"{DELETE} reason=OPS-1")
    assert calls(stage) == 2


async def test_a_rule_about_one_command_that_cannot_be_asked_stops_that_one_alone(
    stage: Stage,
) -> None:
    group = stage.ws.add_usergroup("interns", "bob")
    rules(stage, rule(f'command = "vm.passwd", group = "{group.id}"', 'deny = "No."'))
    stage.ws.faults.add("http_500", "usergroups.list", times=None)
    question = await asked(stage)
    assert "Approve" in question.buttons
    assert "running" in (await stage.asks(stage.bob, f"/dbc vm show {NAME}")).plain
    assert calls(stage) == 0
    await stage.alice.types(f"/dbc vm passwd {NAME}", CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "Tr0ub4dor&3xyz"})
    await stage.quiet()
    assert calls(stage) > 0
    assert stage.changes() == []


async def test_to_take_ones_own_back_nobody_is_asked(stage: Stage) -> None:
    await asked(stage)
    number = (await stage.asks(stage.alice, "/dbc approval list")).plain.split("`")[1]
    group = stage.ws.add_usergroup("interns", "bob")
    rules(stage, rule(f'group = "{group.id}"', 'deny = "No."'))
    for method in ("users.info", "usergroups.list"):
        stage.ws.faults.add("http_500", method, times=None)
    before = len(stage.ws.calls_of("users.info"))
    await stage.asks(stage.alice, f"/dbc approval cancel {number}")
    assert told(stage.alice, "You withdrew your request")
    assert (calls(stage), len(stage.ws.calls_of("users.info"))) == (0, before)


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
async def test_the_approvers_of_a_closed_group_are_gone(
    stage: Stage, gone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    group = leads(stage)
    question = await asked(stage)
    close(stage, group, gone)
    await approves(stage, stage.bob, question)
    assert told(stage.bob, "the rules name others")
    assert stage.changes() == []
    logged = capsys.readouterr().out
    assert logged.count("policy.group_closed") == 1
    assert group.id in logged
    await stage.asks(stage.carol, f"{DELETE} --dry-run")
    assert told(stage.carol, f"Disabled or gone in Slack: {group.id}")


def close(stage: Stage, group: Usergroup, gone: str) -> None:
    if gone == "disabled":
        group.disabled = True
    else:
        del stage.ws.core.state.usergroups[group.id]


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
async def test_what_a_closed_group_is_denied_stays_denied(stage: Stage, gone: str) -> None:
    group = stage.ws.add_usergroup("interns", "bob")
    rules(
        stage,
        rule(f'command = "vm.delete", group = "{group.id}"', 'deny = "Ask your mentor."'),
    )
    close(stage, group, gone)
    said = (await stage.asks(stage.bob, DELETE)).plain
    assert "Ask your mentor." in said
    assert "the group is disabled or gone" in said
    assert stage.changes() == []


async def test_a_closed_group_gives_nothing(stage: Stage) -> None:
    group = stage.ws.add_usergroup("alone", "alice")
    match = f'command = "vm.delete", group = "{group.id}"'
    rules(
        stage,
        rule(
            match, "self_approval = true", f'break_glass = {{ groups = ["{group.id}"] }}',
        ),
    )  # fmt: skip
    close(stage, group, "deleted")
    await stage.alice.types(f'{DELETE} break_glass="now"', CHANNEL)
    await stage.quiet()
    assert told(stage.alice, "The rules let nobody break the glass")
    question = await asked(stage)
    await approves(stage, stage.alice, question)
    [(_, why)] = await refused_clicks(stage)
    assert "yourself" in why
    assert stage.changes() == []


async def test_a_right_that_was_taken_away_a_moment_ago_is_gone_at_the_click(
    stage: Stage,
) -> None:
    group = leads(stage)
    question = await asked(stage)
    assert calls(stage) == 1
    group.users.remove(stage.bob.id)
    await approves(stage, stage.bob, question)
    assert told(stage.bob, "the rules name others")
    assert calls(stage) == 2
    await approves(stage, stage.carol, question)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert calls(stage) == 4  # at each click, and before the run


@pytest.mark.slow
async def test_clicks_at_one_moment_ask_together(stage: Stage) -> None:
    people = [stage.ws.add_member(f"lead{number}") for number in range(30)]
    group = stage.ws.add_usergroup("leads", *(f"lead{number}" for number in range(30)))
    stage.ws.core.state.channel(CHANNEL).members.extend(one.id for one in people)
    rules(
        stage,
        rule(
            'command = "vm.delete"', "approvals = 20", f'approvers = {{ groups = ["{group.id}"] }}'
        ),
    )
    question = await asked(stage)
    await asyncio.gather(*(one.presses("Approve", question) for one in people[:20]))
    await stage.quiet()
    assert calls(stage) <= 12
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


@pytest.mark.slow
async def test_no_more_is_asked_than_slack_takes_and_every_click_counts(stage: Stage) -> None:
    people = [stage.ws.add_member(f"lead{number}") for number in range(25)]
    group = stage.ws.add_usergroup("leads", *(f"lead{number}" for number in range(25)))
    stage.ws.core.state.channel(CHANNEL).members.extend(one.id for one in people)
    rules(
        stage,
        rule(
            'command = "vm.delete"', "approvals = 20", f'approvers = {{ groups = ["{group.id}"] }}'
        ),
    )
    question = await asked(stage)
    for one in people[:20]:
        await one.presses("Approve", question)
        await stage.quiet()
    assert calls(stage) <= 20
    assert "ratelimited" not in [call.error for call in stage.ws.calls]
    assert [one for one in people if told(one, "Your click is kept")]
    for _ in range(4):
        await stage.passes(25)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


@both_stages
async def test_a_click_made_in_time_counts_after_half_an_hour_of_silence(stage: Stage) -> None:
    leads(stage)
    question = await asked(stage)
    await stage.passes(59 * 60)
    stage.ws.faults.add("http_500", "usergroups.list", times=None)
    await approves(stage, stage.bob, question)
    for _ in range(3):
        stage.clock.advance(timedelta(minutes=9))
        await stage.passes(60)
    assert now(stage, question).buttons
    stage.ws.faults.clear()
    await stage.passes(60)
    await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_a_group_that_slack_tells_oddly_stops_its_own_rules_alone(stage: Stage) -> None:
    odd = stage.ws.add_usergroup("interns", "carol")
    deny = rule(f'command = "vm.passwd", group = "{odd.id}"', 'deny = "No."', name="odd")
    group = leads(stage)
    rules(stage, (stage.data / "policy.toml").read_text(encoding="utf-8") + deny)
    odd.is_odd = True
    await stage.alice.types(f"/dbc vm passwd {NAME}", CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "Tr0ub4dor&3xyz"})
    await stage.quiet()
    await stage.passes(61)
    assert stage.changes() == []  # nobody knows whether she is an intern
    question = await asked(stage)
    assert "Approve" in question.buttons
    await approves(stage, stage.bob, question)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    assert group.users


async def test_a_disabled_group_needs_no_members_to_be_closed(stage: Stage) -> None:
    odd = stage.ws.add_usergroup("interns", "carol")
    odd.is_odd = odd.disabled = True
    group = leads(stage)
    deny = rule(
        f'command = "vm.delete", group = "{odd.id}"', 'deny = "Not by interns."', name="odd"
    )
    rules(stage, (stage.data / "policy.toml").read_text(encoding="utf-8") + deny)
    await stage.asks(stage.alice, DELETE)
    assert told(stage.alice, "Not by interns.")
    assert group.users
