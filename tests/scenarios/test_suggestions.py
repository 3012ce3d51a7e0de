"""Other words for commands are answered with buttons that do what was meant."""

from datetime import timedelta

import pytest

from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage


async def has_machines(stage: Stage) -> None:
    """Alice has a session, and the bot has looked at what there is."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()


async def restarts_by_its_form(stage: Stage) -> None:
    """The form that has opened has what was typed, and nothing happens before it is confirmed."""
    form = await stage.alice.sees_modal("Restart a machine")
    assert form.value("Machine") == stage.task("inference").task_id
    assert stage.changes() == []
    await stage.alice.submits()
    await stage.quiet()
    await stage.confirms(stage.alice, "Force-restart")
    assert stage.changes() == ["tasks.restart"]


@pytest.mark.parametrize("line", ["/dbc status inference", "@dbc 看 inference", "ssh inference"])
async def test_a_suggestion_that_reads_runs_at_once(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await has_machines(stage)
    channel = "@dbc" if line.startswith("ssh") else CHANNEL
    offer = await stage.asks(stage.alice, line, channel=channel)
    assert offer.buttons[0] == "Show a machine"
    await stage.alice.presses("Show a machine", offer)
    await stage.quiet()
    assert stage.task("inference").task_id in stage.alice.last(channel).plain


@both_stages
@pytest.mark.parametrize("line", ["/dbc reboot inference force", "@dbc 重启inference 强制"])
async def test_a_suggestion_that_changes_something_opens_the_form_filled_in(
    stage: Stage, line: str
) -> None:
    await has_machines(stage)
    offer = await stage.asks(stage.alice, line)
    await stage.alice.presses("Restart a machine", offer)
    await restarts_by_its_form(stage)


async def test_a_suggestion_carries_nothing_of_what_was_typed(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    offer = await stage.asks(stage.alice, "/dbc vm rm inference")
    assert offer.buttons == ["Delete a machine"]
    values = [e["value"] for b in offer.blocks if b["type"] == "actions" for e in b["elements"]]
    assert values
    assert all("inference" not in value and value.startswith("vm.delete:") for value in values)


async def test_an_old_suggestion_still_opens_its_form(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    offer = await stage.asks(stage.alice, "/dbc reboot inference")
    stage.clock.advance(timedelta(hours=2))
    await stage.alice.presses("Restart a machine", offer)
    form = await stage.alice.sees_modal("Restart a machine")
    assert not form.value("Machine")


async def test_a_verb_without_its_group_goes_the_way_of_any_line(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    await stage.asks(stage.alice, "/dbc restart inference force")
    assert stage.changes() == []
    await stage.confirms(stage.alice, "Force-restart")
    assert stage.changes() == ["tasks.restart"]


@pytest.mark.parametrize("line", ["status inference", "reboot inference force"])
async def test_a_suggestion_does_after_a_restart_what_it_did_before(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    await has_machines(stage)
    offer = await stage.asks(stage.alice, f"/dbc {line}")
    await stage.restart_bot()
    await stage.alice.presses(offer.buttons[0], offer)
    if offer.buttons[0] == "Restart a machine":
        form = await stage.alice.sees_modal("Restart a machine")
        assert form.value("Machine") == stage.task("inference").task_id
    else:
        await stage.quiet()
        assert stage.task("inference").task_id in stage.alice.last(CHANNEL).plain


async def test_what_was_typed_is_not_readable_where_it_is_kept(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    await stage.asks(stage.alice, "/dbc reboot xyzzy-plugh")
    kept = b"".join(path.read_bytes() for path in stage.data.glob("bot.db*"))
    assert b"xyzzy-plugh" not in kept


async def test_what_is_not_understood_leads_to_the_form_with_what_is(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    told = await stage.asks(stage.alice, "/dbc vm restart inference forc")
    assert "Did you mean `force`?" in told.plain
    await stage.alice.presses("Change it…", told)
    await restarts_by_its_form(stage)


async def test_what_a_refusal_advises_to_type_is_a_button(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    refused = await stage.asks(stage.alice, "/dbc vm restart xyzzy")
    assert "/dbc vm list" in refused.plain
    await stage.alice.presses("List machines", refused)
    await stage.quiet()
    assert "inference" in stage.alice.last(CHANNEL).plain
    named = await stage.asks(stage.alice, "/dbc node show xyzzy")
    await stage.alice.presses("List nodes", named)
    await stage.quiet()
    assert "gpu1" in stage.alice.last(CHANNEL).plain


@pytest.mark.parametrize("line", ["/dbc power off inference", "/dbc node show inference"])
async def test_a_machine_is_shown_where_a_node_was_looked_for(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await has_machines(stage)
    refused = await stage.asks(stage.alice, line)
    assert refused.buttons[:2] == ["Show inference", "More …"]
    await stage.alice.presses("Show inference", refused)
    await stage.quiet()
    assert stage.task("inference").task_id in stage.alice.last(CHANNEL).plain
    of_nobody = await stage.asks(stage.carol, line)
    assert "Show inference" not in of_nobody.buttons


async def test_a_refusal_of_dbc_leads_to_the_machine(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    refused = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "Look at its state first." in refused.plain
    assert refused.buttons == ["Show"]


async def test_help_on_a_group_shows_what_there_is_at_once(one_stage: Stage) -> None:
    stage = one_stage
    await has_machines(stage)
    told = await stage.asks(stage.alice, "/dbc vm")
    await stage.alice.presses("List machines", told)
    await stage.quiet()
    assert "inference" in stage.alice.last(CHANNEL).plain
