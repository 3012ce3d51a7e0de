"""What a site's rules ask of a request: how many, who, why, until when; and what they deny."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.site import (
    DELETE,
    NAME,
    approves,
    asked,
    denies,
    entries,
    now,
    refused_clicks,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL

TWO = '[[rule]]\nname = "two"\nmatch = { command = "vm.delete" }\napprovals = 2\n'


def rule(match: str, *needs: str) -> str:
    """A file with one rule."""
    return "\n".join(['[[rule]]\nname = "the rule"', f"match = {{ {match} }}", *needs, ""])


async def test_who_has_voted_is_listed_what_waits_for_others(tmp_path: Path) -> None:
    async with site(tmp_path, TWO) as stage:
        await approves(stage, stage.bob, await asked(stage))
        for locale, head in (
            ("en-US", "You voted, waiting for others"),
            ("zh-CN", "你已表态，等别人处理"),
        ):
            stage.bob.speaks(locale)
            await stage.ws.idle()
            listed = await stage.asks(stage.bob, "/dbc approval list")
            assert head in listed.plain
            assert NAME in listed.plain
        told_ = await stage.asks(stage.carol, "/dbc approval list")
        assert "You voted" not in told_.plain
        assert "For you to decide" in told_.plain


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_two_of_three_have_to_approve_and_every_copy_counts(
    tmp_path: Path, *, http: bool
) -> None:
    async with site(tmp_path, TWO, http=http) as stage:
        dave = stage.ws.add_member("dave")
        stage.ws.core.state.channel(CHANNEL).members.append(dave.id)
        await stage.gives_session(dave, "gpu1")
        question = await asked(stage)
        assert "Needs 2 approvals from <@" in question.plain
        copies = {
            person.name: await person.sees(f"Delete .{NAME}", "@dbc")
            for person in (stage.bob, stage.carol, dave)
        }
        await approves(stage, stage.bob, question)
        assert stage.changes() == []
        assert told(stage.bob, "More are needed")
        tally = f"1 of 2 approvals: <@{stage.bob.id}>"
        for message in (now(stage, question), now(stage, copies["carol"])):
            assert tally in message.plain
            assert "Approve" in message.buttons
        assert tally in next(m for m in dave.messages("@dbc") if "Delete" in m.plain).plain
        await approves(stage, stage.bob, question)
        assert told(stage.bob, "Each person counts once")
        await approves(stage, dave, copies["dave"])
        await stage.ends(stage.alice, f"{NAME} is deleted")
        assert stage.changes() == ["tasks.delete"]
        ended = now(stage, question)
        assert f"<@{stage.bob.id}>" in ended.plain.split("approved by")[1]
        assert f"<@{dave.id}>" in ended.plain.split("approved by")[1]
        assert now(stage, copies["bob"]).plain == now(stage, copies["carol"]).plain == ended.plain


async def test_so_many_have_to_deny(tmp_path: Path) -> None:
    two = rule('command = "vm.delete"', "approvals = 2", "denials = 2")
    async with site(tmp_path, two) as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, "not today")
        seen = now(stage, question)
        assert f"1 of 2 denials: <@{stage.bob.id}> (“not today”)" in seen.plain
        assert "Approve" in seen.buttons
        await denies(stage, stage.carol, question, "nor tomorrow")
        ended = now(stage, question)
        assert ended.buttons == []
        assert "“not today”" in ended.plain
        assert "“nor tomorrow”" in ended.plain
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


async def test_whoever_asks_may_approve_where_the_rules_say_so(tmp_path: Path) -> None:
    alone = rule('command = "vm.delete"', "self_approval = true")
    async with site(tmp_path, alone, entitled="alice") as stage:
        question = await asked(stage)
        assert f"Needs 1 approval from <@{stage.alice.id}>" in question.plain
        await approves(stage, stage.alice, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("", "A reason is needed"), (' reason="because"', "The reason must match")],
)
async def test_a_reason_that_is_asked_for_has_to_match(
    tmp_path: Path, typed: str, answer: str
) -> None:
    ticket = rule('command = "vm.delete"', 'reason = "^OPS-[0-9]+"')
    async with site(tmp_path, ticket) as stage:
        await stage.alice.types(DELETE + typed, channel=CHANNEL)
        await stage.alice.sees(answer, CHANNEL)
        question = await asked(stage, DELETE + ' reason="OPS-17 disk full"')
        assert "OPS-17 disk full" in question.plain


async def test_who_decided_in_time_is_not_forgotten_when_a_question_expires(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, TWO) as stage:
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        await stage.passes(61 * 60)
        ended = now(stage, question).plain
        assert f"too few decided in time. 1 of 2 approvals: <@{stage.bob.id}>." in ended
        assert stage.changes() == []


async def test_a_question_expires_when_the_rules_say(tmp_path: Path) -> None:
    soon = rule('command = "vm.delete"', 'expires = "5min"')
    async with site(tmp_path, soon) as stage:
        question = await asked(stage)
        stage.clock.advance(timedelta(minutes=7))
        await approves(stage, stage.bob, question)
        assert told(stage.bob, "This expired 2 min ago")
        await stage.passes(1)
        assert "nobody decided in time" in now(stage, question).plain
        assert now(stage, question).buttons == []
        assert stage.changes() == []


async def test_reminders_come_as_soon_as_the_rules_say_and_then_more_seldom(
    tmp_path: Path,
) -> None:
    quickly = rule('command = "vm.delete"', 'remind = "30s"')
    async with site(tmp_path, quickly) as stage:
        question = await asked(stage)
        reminders = []
        for _ in range(8):
            await stage.passes(30)
            seen = stage.bob.messages(CHANNEL, thread_ts=question.ts)
            reminders.append(len([m for m in seen if "still waits" in m.plain]))
        assert reminders == [1, 1, 2, 2, 2, 2, 3, 3]


async def test_who_has_decided_is_not_reminded(tmp_path: Path) -> None:
    async with site(tmp_path, TWO) as stage:
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        await stage.passes(11 * 60)
        reminder = await stage.carol.sees("still waits for a decision. It expires", CHANNEL)
        assert reminder.pings == [stage.carol.id, stage.alice.id]  # asked, and who requested it


async def test_whoever_has_approved_is_told_so_and_types_no_name_again(tmp_path: Path) -> None:
    typing = rule('command = "vm.delete"', "type_name = true", "approvals = 2")
    async with site(tmp_path, typing) as stage:
        question = await asked(stage)
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal("Its description or id")
        await stage.bob.submits({"Its description or id": NAME})
        await stage.bob.sees("More are needed", CHANNEL)
        await stage.bob.presses("Approve", now(stage, question))
        await stage.bob.sees("You have already decided on this. Each person counts once.", CHANNEL)
        assert stage.bob.modal is None
        assert stage.changes() == []


async def test_an_approver_has_to_type_the_machines_name(tmp_path: Path) -> None:
    typing = rule('command = "vm.delete"', "type_name = true")
    async with site(tmp_path, typing) as stage:
        question = await asked(stage)
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal("its snapshot files on the node are erased")
        await stage.bob.submits({"Its description or id": "train-01"})
        modal = await stage.bob.sees_modal("Its description or id")
        assert "That is another one" in str(modal.errors)
        assert stage.changes() == []
        [(who, why)] = await refused_clicks(stage)
        assert (who, "something else was typed" in why) == (stage.bob.id, True)
        await stage.bob.submits({"Its description or id": NAME})
        await stage.ends(stage.alice, f"{NAME} is deleted")
        assert stage.changes() == ["tasks.delete"]


async def test_where_no_machine_is_meant_the_name_of_what_is_has_to_be_typed(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, rule('command = "lan.delete"', "type_name = true")) as stage:
        await stage.asks(stage.bob, "/dbc lan create team01 192.168.66.0/24 on gpu1")
        question = await asked(stage, "/dbc lan delete team01 on gpu1")
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal("Type “team01” to approve")
        await stage.bob.submits({"Its name or id": "team01"})
        await stage.bob.sees("is deleted from", CHANNEL)
        assert stage.changes() == ["lan.create", "lan.delete"]


FORCE = rule('command = "vm.restart", arguments = { force = true }', "approvals = 1")
HERE = rule('channel = "C0GPUOPS", effect = "disrupt"', "approvals = 1")


@pytest.mark.parametrize(
    ("policy", "line", "needs"),
    [
        (FORCE, "vm restart inference force", "Approve"),
        (FORCE, "vm restart inference", "Confirm"),
        (HERE, "vm restart inference", "Approve"),
        (HERE.replace("C0GPUOPS", "C0OTHER"), "vm restart inference", "Confirm"),
        (rule(f'node = "{"0" * 64}"', "approvals = 1"), "vm restart inference", "Confirm"),
    ],
)
async def test_rules_go_by_argument_and_channel(
    tmp_path: Path, policy: str, line: str, needs: str
) -> None:
    async with site(tmp_path, policy) as stage:
        question = await asked(stage, f"/dbc {line}")
        assert needs in question.buttons


async def test_rules_go_by_node_and_person_and_group(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        node = stage.node("gpu1").node_id
        rules(stage, rule(f'effect = "disrupt", node = "{node}"', "approvals = 1"))
        assert "Approve" in (await asked(stage, f"/dbc vm restart {NAME}")).buttons
        await stage.asks(stage.alice, "/dbc approval list")
        group = stage.ws.add_usergroup("interns", "bob")
        rules(stage, rule(f'group = "{group.id}"', 'deny = "Ask your mentor."'))
        await stage.bob.types(DELETE, channel=CHANNEL)
        await stage.bob.sees("Ask your mentor.", CHANNEL)
        assert stage.changes() == []


async def test_what_a_rule_denies_nobody_gets(tmp_path: Path) -> None:
    never = rule('command = "vm.delete"', 'deny = "Nothing is deleted here."')
    async with site(tmp_path, never + TWO) as stage:
        await stage.asks(stage.alice, DELETE + ' break_glass="please"')
        await stage.alice.sees("Nothing is deleted here.", CHANNEL)
        assert not told(stage.bob, "Approve")
        assert [e.outcome for e in await entries(stage) if e.outcome][-1] == "refused"
        assert stage.changes() == []


async def test_reads_can_be_denied_too(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        node = stage.node("gpu1").node_id
        rules(stage, rule(f'command = "vm.logs", node = "{node}"', 'deny = "No logs from there."'))
        await stage.asks(stage.alice, f"/dbc vm logs {NAME}")
        await stage.alice.sees("No logs from there.", CHANNEL)
        assert not stage.world.calls.of("tasks.logs")
        await stage.asks(stage.alice, f"/dbc vm show {NAME}")
        await stage.alice.sees("running", CHANNEL)


async def test_what_nobody_named_could_approve_is_refused_at_once(tmp_path: Path) -> None:
    named = rule('command = "vm.delete"', "approvals = 2", 'approvers = { persons = ["U0BOB"] }')
    async with site(tmp_path, named) as stage:
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.alice.sees("This needs 2 approvals by someone else, and only 1 could", CHANNEL)
        await stage.alice.sees("Let the rules name more approvers", CHANNEL)


def of_two_rules(*people: str) -> str:
    """Two rules about deletions, each with an approver of its own beside those of both."""
    rows = enumerate(("U0BOB", "U0GONE"))
    named = [
        rule('command = "vm.delete"', f"approvers = {{ persons = {[one, *people]} }}").replace(
            "the rule", f"rule {number}"
        )
        for number, one in rows
    ]
    return "".join(named)


async def test_whoever_only_one_of_two_rules_names_is_not_asked(tmp_path: Path) -> None:
    async with site(tmp_path, of_two_rules("U0CAROL")) as stage:
        question = await asked(stage)
        assert f"Needs 1 approval from <@{stage.carol.id}>. Expires" in question.plain


async def test_what_nobody_of_both_rules_could_approve_is_refused_at_once(tmp_path: Path) -> None:
    async with site(tmp_path, of_two_rules()) as stage:
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.alice.sees("and nobody could give one", CHANNEL)
        assert stage.changes() == []


async def test_only_those_named_approve_entitled_or_not(tmp_path: Path) -> None:
    named = rule('command = "vm.delete"', "approvals = 1", 'approvers = { persons = ["U0CAROL"] }')
    async with site(tmp_path, named, entitled="alice bob") as stage:
        question = await asked(stage)
        who = f"Needs 1 approval from <@{stage.carol.id}>. Expires"
        assert who in question.plain
        number = (await stage.asks(stage.carol, "/dbc approval list")).plain.split("`")[1]
        assert who in (await stage.asks(stage.carol, f"/dbc approval show {number}")).plain
        await approves(stage, stage.bob, question)
        assert told(stage.bob, "the rules name others")
        await approves(stage, stage.carol, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize(
    ("stricter", "why"),
    [
        (
            rule('command = "vm.delete"', 'deny = "Frozen."'),
            "What the rules require has changed since this was requested. Frozen.",
        ),
        (
            rule('command = "vm.delete"', 'reason = "."'),
            "What the rules require has changed since this was requested. A reason is needed",
        ),
    ],
)
async def test_a_rule_added_since_a_question_was_shown_counts(
    tmp_path: Path, stricter: str, why: str
) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        rules(stage, stricter)
        await approves(stage, stage.bob, question)
        ended = now(stage, question)
        assert why in ended.plain
        assert ended.buttons == []
        assert len([e for e in stage.endings(stage.alice) if why in e]) == 1
        assert stage.changes() == []


async def test_a_question_of_the_requesters_own_does_not_do_for_a_new_rule(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\ndestroy = { confirm = true }\n") as stage:
        question = await asked(stage)
        rules(stage, "[defaults]\ndestroy = { approvals = 1 }\n")
        await stage.alice.presses("Confirm", question)
        await stage.quiet()
        why = "What the rules require has changed since this was requested: it now needs 1 approval"
        assert why in now(stage, question).plain
        assert stage.changes() == []


async def test_a_faulty_file_changes_nothing_and_the_log_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site(tmp_path, TWO) as stage:
        rules(stage, '[[rule]]\nname = "three"\naprovals = 3\n')
        logged = capsys.readouterr().out
        assert "policy.toml line 1: a rule needs a `match`." in logged
        assert "policy.toml line 3: a rule has no key `aprovals`" in logged
        assert "The rules before stay in force." in logged
        assert "Needs 2 approvals" in (await asked(stage)).plain
