"""The freeze and the breaker: decided at the last moment, announced, recorded."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind
from tests.scenarios.site import DELETE, NAME, approves, asked, entries, now, rules, site, told
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, staged
from tests.scenarios.stored import alter

FREEZE = "/dbc freeze network outage"
HELD = "network outage"
RULES = """
[freeze]
people = { persons = ["U0BOB"] }
"""
GLASS = """
[[rule]]
name = "carol breaks the glass"
match = { command = "vm.*" }
reason = "^OPS-"
break_glass = { persons = ["U0CAROL"] }
"""
BREAKER = "[breaker]\ndestroys = 2\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, RULES) as one:
        yield one


async def freezes(stage: Stage) -> None:
    said = await stage.asks(stage.bob, FREEZE, CHANNEL)
    assert f"<@{stage.bob.id}> froze all changes: network outage" in said.plain
    assert not said.ephemeral


async def test_nothing_is_sent_until_it_is_lifted(stage: Stage) -> None:
    await freezes(stage)
    said = await stage.asks(stage.alice, f"/dbc vm start {NAME}")
    assert "All changes have been frozen since" in said.plain
    assert f"Ask <@{stage.bob.id}> to lift the freeze" in said.plain
    assert HELD in said.plain
    assert said.text.count("network outage") == 1
    for line in (f"/dbc vm restart {NAME} force", f"/dbc vm reset {NAME}"):
        said = await stage.asks(stage.alice, line)
        assert f"{NAME} on gpu1” was refused: All changes have been frozen since" in said.text
        assert said.text.count("network outage") == 1
    await stage.alice.types(DELETE, channel=CHANNEL)
    await stage.quiet()
    assert not told(stage.bob, "Needs 1 approval")  # nobody is asked for what would not be sent
    assert stage.changes() == []
    assert NAME in (await stage.asks(stage.alice, "/dbc vm list")).plain  # to look is no change
    lifted = await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
    assert f"<@{stage.bob.id}> lifted the freeze" in lifted.plain
    await approves(stage, stage.bob, await asked(stage))
    assert stage.changes() == ["tasks.delete"]


async def test_whoever_is_refused_is_told_whom_to_ask_of_those_who_are_here(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, RULES.replace('"U0BOB"', '"U0BOB", "U0CAROL"')) as stage:
        await freezes(stage)
        line = f"/dbc vm start {NAME}"
        assert f"Ask <@{stage.bob.id}> to lift" in (await stage.asks(stage.alice, line)).plain
        stage.bob.member.deleted = True
        await stage.passes(61)
        assert f"Ask <@{stage.carol.id}> to lift" in (await stage.asks(stage.alice, line)).plain
        stage.carol.member.deleted = True
        await stage.passes(61)
        told = (await stage.asks(stage.alice, line)).plain
        assert "Nobody whom the rules let lift the freeze is here any more" in told


async def test_what_was_asked_before_is_not_sent_when_it_is_approved_during_a_freeze(
    stage: Stage,
) -> None:
    question = await asked(stage)
    await freezes(stage)
    await approves(stage, stage.bob, question)
    assert stage.changes() == []
    seen = now(stage, question)
    assert HELD in seen.plain
    assert "Approve" not in seen.buttons
    await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
    await stage.passes(60)
    assert stage.changes() == []  # what was turned down is not sent later


async def test_it_holds_over_a_restart(stage: Stage) -> None:
    await freezes(stage)
    await stage.restart_bot()
    assert HELD in (await stage.asks(stage.alice, f"/dbc vm start {NAME}")).plain
    assert stage.changes() == []


async def test_only_those_whom_the_rules_name_freeze_and_lift(stage: Stage) -> None:
    said = await stage.asks(stage.alice, FREEZE)
    assert "You may not freeze changes or lift a freeze." in said.plain
    await freezes(stage)
    assert "You may not" in (await stage.asks(stage.alice, "/dbc unfreeze")).plain
    again = await stage.asks(stage.bob, "/dbc freeze once more")
    assert "has frozen all changes already: network outage" in again.plain
    await stage.asks(stage.bob, "/dbc unfreeze")
    assert "Changes are not frozen." in (await stage.asks(stage.bob, "/dbc unfreeze")).plain
    rules(stage, "[defaults]\n")
    assert "The rules let nobody do this" in (await stage.asks(stage.bob, FREEZE)).plain
    assert stage.changes() == []


async def test_a_freeze_waits_for_nobodys_approval(stage: Stage) -> None:
    rules(stage, RULES + "[defaults]\nchange = { approvals = 2 }\n")
    await freezes(stage)
    assert [str(e.kind) for e in await entries(stage)].count("frozen") == 1


async def test_it_is_announced_and_recorded(stage: Stage) -> None:
    news_id = stage.ws.add_channel("news", "alice", "bob", "dbc").id
    rules(stage, RULES + f'channel = "{news_id}"\n')
    await freezes(stage)
    await stage.passes(2)
    await stage.alice.sees("froze all changes: network outage", "news")
    await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
    await stage.passes(2)
    await stage.alice.sees("lifted the freeze", "news")
    found = {e.kind: e for e in await entries(stage) if e.kind in {"frozen", "unfrozen"}}
    assert found[AuditKind.FROZEN].actor == found[AuditKind.UNFROZEN].actor == stage.bob.id
    assert found[AuditKind.FROZEN].reason == "network outage"


async def test_a_freeze_is_in_force_only_where_it_is_announced(stage: Stage) -> None:
    """Its end cannot be stored, as where the process dies right after it began."""
    alter(
        stage,
        "CREATE TRIGGER no_end BEFORE UPDATE ON executions WHEN NEW.status = 'done' "
        "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    )
    await stage.bob.types(FREEZE, channel=CHANNEL)
    await stage.quiet()
    alter(stage, "DROP TRIGGER no_end")
    await stage.restart_bot()
    for _ in range(4):
        await stage.passes(120)
    assert not told(stage.alice, "froze all changes")
    assert told(stage.bob, "nothing was done")
    await stage.asks(stage.alice, f"/dbc vm start {NAME}")
    assert not told(stage.alice, HELD)


async def test_everybody_can_see_whether_changes_are_frozen(stage: Stage) -> None:
    frozen = f"<@{stage.bob.id}> has frozen all changes since"
    await stage.alice.opens_home()
    await stage.quiet()
    assert frozen not in stage.alice.screen()
    await freezes(stage)
    assert frozen in (await stage.asks(stage.alice, "/dbc whoami")).plain
    answer = (await stage.asks(stage.alice, "/dbc whoami --json")).plain
    known = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])["freeze"]
    assert (known["person"], known["why"]) == (stage.bob.id, "network outage")
    await stage.passes(10)  # it is open still
    assert "network outage" in (await stage.alice.sees_home(frozen)).plain


async def test_names_are_given_during_it(stage: Stage) -> None:
    await freezes(stage)
    said = await stage.asks(stage.alice, f"/dbc vm name {NAME} train-07")
    assert "is now called" in said.plain


async def test_nobody_is_told_that_it_runs_before_it_does(stage: Stage) -> None:
    question = await asked(stage)
    await freezes(stage)
    await approves(stage, stage.carol, question)
    assert stage.changes() == []
    assert told(stage.carol, "It runs once I have checked that nothing has changed.")
    assert not told(stage.carol, "Running")


async def test_broken_glass_gets_past_it(stage: Stage) -> None:
    rules(stage, RULES + GLASS)
    await freezes(stage)
    held = await stage.asks(stage.carol, f"/dbc vm shutdown {NAME} reason=OPS-1")
    assert HELD in held.plain
    await stage.carol.types(f'/dbc vm shutdown {NAME} break_glass="It burns"', channel=CHANNEL)
    await stage.quiet()
    assert stage.changes() == ["tasks.shutdown"]
    assert "broke_glass" in [str(entry.kind) for entry in await entries(stage)]


async def test_glass_that_the_rules_do_not_let_break_stays_whole(stage: Stage) -> None:
    rules(stage, RULES + GLASS)
    await freezes(stage)
    for line in (f'/dbc vm start {NAME} break_glass="x"', f'{DELETE} break_glass="x"'):
        await stage.alice.types(line, channel=CHANNEL)
        await stage.quiet()
    assert stage.changes() == []


async def test_too_much_destroyed_within_an_hour_holds_the_next_one_back(stage: Stage) -> None:
    rules(stage, BREAKER + "[defaults]\ndestroy = {}\n")
    for line in (f"/dbc vm shutdown {NAME}", f"/dbc vm reset {NAME}"):
        await stage.alice.types(line, channel=CHANNEL)
        await stage.passes(60)
    assert len(stage.changes()) == 2
    said = await stage.asks(stage.alice, DELETE)
    assert "2 destructive commands were sent since" in said.plain
    await stage.asks(stage.alice, f"/dbc vm start {NAME}")  # what destroys nothing goes on
    await stage.passes(60)
    assert stage.changes()[2:] == ["tasks.start"]
    await stage.passes(3600)
    await stage.alice.types(DELETE, channel=CHANNEL)
    await stage.passes(60)
    assert stage.changes()[3:] == ["tasks.delete"]


async def test_the_breaker_counts_nothing_that_a_clock_dates_ahead(stage: Stage) -> None:
    rules(stage, "[breaker]\ndestroys = 1\n[defaults]\ndestroy = {}\n")
    stage.machine.step(timedelta(days=30))
    await stage.restart_bot()
    await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")
    await stage.passes(60)
    stage.machine.step(timedelta(days=-30))
    await stage.restart_bot()
    await stage.asks(stage.alice, f"/dbc vm reset {NAME}")
    await stage.passes(60)
    assert stage.changes() == ["tasks.shutdown", "tasks.reset"]
    said = await stage.asks(stage.alice, DELETE)
    assert "1 destructive command was sent since" in said.plain


# Where the end of the freeze was not stored with the freeze, as a former version did it.
UNENDED = """
    UPDATE executions SET status = 'running', finished_at = NULL, outcome = '',
    leased_by = 'a former version', leased_until = '2026-01-05 08:00:00' WHERE command = ?
"""


@pytest.mark.parametrize("line", ["freeze network outage", "unfreeze"])
async def test_a_freeze_of_a_former_version_that_has_no_end_is_told_to_be_done(
    stage: Stage, line: str
) -> None:
    await freezes(stage)
    if line == "unfreeze":
        await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
    alter(stage, UNENDED, line.partition(" ")[0])
    await stage.restart_bot()
    await stage.passes(120)
    assert "nothing was done" not in stage.bob.screen()
    done = "Lift the freeze" if line == "unfreeze" else "Freeze all changes"
    assert f"“{done}” is done" in stage.bob.screen()


async def test_a_form_says_at_its_opening_that_changes_are_frozen(tmp_path: Path) -> None:
    policy = CONFIRM_ONLY + '[freeze]\npeople = { persons = ["U0BOB"] }\n'
    async with staged(tmp_path, policy=policy) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.bob, "/dbc freeze network outage")
        for line in ("vm create", "vm restart", "vm modify inference"):
            held = await stage.asks(stage.alice, f"/dbc {line}")
            assert "All changes have been frozen since" in held.plain, line
            assert "network outage" in held.plain
        await stage.asks(stage.bob, "/dbc unfreeze")
        await stage.alice.types("/dbc vm restart", channel=CHANNEL)
        await stage.alice.sees_modal("Restart a machine")


async def test_without_access_no_form_asks_what_to_create(one_stage: Stage) -> None:
    refused = await one_stage.asks(one_stage.carol, "/dbc vm create")
    assert "You have no node access yet" in refused.plain
    assert "Ask for access" in refused.buttons


@pytest.mark.parametrize("line", ["freeze network outage", "unfreeze"])
async def test_a_freeze_is_announced_under_a_heading_with_its_sign(stage: Stage, line: str) -> None:
    await freezes(stage)
    await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
    if line == "unfreeze":
        await freezes(stage)
    await stage.asks(stage.bob, f"/dbc {line}", CHANNEL)
    said = stage.alice.last(CHANNEL)
    assert said.blocks[0]["type"] == "header"
    assert said.plain.split("\n")[1].startswith(":")


async def test_help_shows_the_freeze_and_the_glass_to_those_alone_who_may(stage: Stage) -> None:
    rules(stage, RULES + GLASS)
    told = {}
    for person in (stage.alice, stage.bob, stage.carol):
        every = (await stage.asks(person, "/dbc help", CHANNEL)).plain
        one = (await stage.asks(person, "/dbc help vm shutdown", CHANNEL)).plain
        told[person.name] = ("freeze" in every, "break_glass" in one)
        assert "deny you" not in every
    assert told == {"alice": (False, False), "bob": (True, False), "carol": (False, True)}
    assert "whom the rules name" in (await stage.asks(stage.alice, "/dbc help freeze")).plain


async def test_no_form_opens_that_could_only_be_refused(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc freeze")
    assert "You may not freeze changes" in told.plain
    assert stage.alice.modal is None
    await stage.bob.types("/dbc freeze", channel=CHANNEL)
    assert (await stage.bob.sees_modal("Freeze all changes")).view.body["submit"][
        "text"
    ] == "Freeze"
