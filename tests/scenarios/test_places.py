"""Where people ask and are answered: channels, threads, direct messages, closed doors, guests."""

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage


async def incident(stage: Stage) -> SeenMessage:
    """A message of Bob's that a thread hangs on; Alice has a session."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.bob.types("gpu1 is slow", channel=CHANNEL)
    return stage.bob.last(CHANNEL)


@both_stages
async def test_a_mention_is_answered_for_all_to_see(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "@dbc vm list")
    assert "inference" in told.plain
    assert not told.ephemeral
    assert "inference" in stage.bob.screen()


@both_stages
async def test_all_that_follows_from_a_thread_stays_in_it(stage: Stage) -> None:
    thread = await incident(stage)
    listed = await stage.asks(stage.alice, "@dbc vm list", thread=thread)
    assert listed.thread_ts == thread.ts
    card = await stage.asks(stage.alice, "@dbc vm restart inference —force", thread=thread)
    assert "Force-restart *inference*" in card.plain
    assert card.thread_ts == thread.ts
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    end = await stage.ends(stage.alice, "inference has restarted on gpu1")
    assert end.thread_ts == thread.ts
    assert stage.changes() == ["tasks.restart"]


@both_stages
async def test_a_refusal_to_a_mention_is_private_and_in_the_thread(stage: Stage) -> None:
    thread = await incident(stage)
    told = await stage.asks(stage.alice, "@dbc vm strat inference", thread=thread)
    assert "Did you mean" in told.plain
    assert told.ephemeral
    assert told.thread_ts == thread.ts


@both_stages
async def test_a_form_wanted_in_a_thread_is_offered_by_a_button(stage: Stage) -> None:
    thread = await incident(stage)
    offer = await stage.asks(
        stage.alice, "@dbc vm create image=ubuntu-22.04-cuda-12.qcow2", thread=thread
    )
    assert offer.ephemeral
    await stage.alice.presses("Open the form", offer)
    modal = await stage.alice.sees_modal("Create a machine")
    assert modal.value("Image") == "ubuntu-22.04-cuda-12.qcow2"
    await stage.alice.submits({"Name": "t1"})
    await stage.quiet()
    card = await stage.alice.sees(r"\*t1\* is being created on \*gpu1\*")
    assert card.thread_ts == thread.ts
    end = await stage.ends(stage.alice, "t1 is running on gpu1")
    assert end.thread_ts == thread.ts


@both_stages
@pytest.mark.parametrize("line", ["vm list", "/dbc vm list"])
async def test_a_direct_message_needs_no_mention(stage: Stage, line: str) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, line, channel="@dbc")
    assert "inference" in told.plain
    assert stage.alice.last("@dbc").plain == told.plain


@both_stages
async def test_work_asked_for_in_a_direct_message_is_told_there(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    card = await stage.asks(stage.alice, "vm start inference", channel="@dbc")
    assert "is starting" in card.plain
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert end.channel == card.channel
    assert "inference" not in stage.bob.screen()


async def test_secrets_in_a_direct_message_stay_there(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    shown = await one_stage.asks(one_stage.alice, "vm show inference", channel="@dbc")
    assert one_stage.task("inference").login_password not in shown.plain
    await one_stage.alice.presses("Reveal passwords", shown)
    assert one_stage.task("inference").login_password in (await one_stage.alice.sees_modal()).plain
    await one_stage.alice.closes()
    await one_stage.quiet()
    assert one_stage.task("inference").login_password not in one_stage.alice.screen()
    assert one_stage.task("inference").login_password not in one_stage.bob.screen()


@both_stages
async def test_where_the_bot_is_not_in_the_channel_a_command_works_privately(
    stage: Stage,
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc vm list", channel="random")
    assert "inference" in told.plain
    assert told.ephemeral


@both_stages
async def test_where_the_bot_may_not_post_the_card_goes_to_who_asked(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm delete inference", channel="ops-secret")
    await stage.quiet()
    card = stage.alice.last("ops-secret")
    assert card.ephemeral
    assert "Delete *inference* on *gpu1*?" in card.plain
    assert not [m for m in stage.alice.messages("@dbc") if "Delete" in m.plain]
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    end = await stage.ends(stage.alice, "inference is deleted on gpu1")
    assert end.channel == stage.alice.last("@dbc").channel
    assert stage.changes() == ["tasks.delete"]
    assert "inference" not in stage.bob.screen()


@both_stages
async def test_a_guest_sees_and_changes_nothing(stage: Stage) -> None:
    guest = stage.ws.add_member("gina", is_restricted=True)
    stage.ws.core.state.channel(CHANNEL).members.append(guest.id)
    for line in ("vm start inference", "vm name inference x", "node use gpu1"):
        told = await stage.asks(guest, f"/dbc {line}")
        assert "Only full members of this workspace can change" in told.plain
        assert told.ephemeral
    await guest.types("/dbc session add gpu1", CHANNEL)
    await guest.sees_modal("Add a session")
    pair = stage.pair("gpu1")
    await guest.submits({"Session id": pair[0], "Session signature": pair[1]})
    await stage.quiet()
    assert "Only full members" in guest.last().plain
    told = await stage.asks(guest, "/dbc node list")
    assert "Only full members of this workspace can see machines" in told.plain
    for line in ("help", "whoami", "approval list"):
        assert "Only full members" not in (await stage.asks(guest, f"/dbc {line}")).plain
    assert stage.changes() == []


async def test_other_bots_and_edits_are_not_commands(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    before = len(one_stage.ws.calls_of("chat.postMessage"))
    await one_stage.alice.types("vm list please, dbc", channel=CHANNEL)
    await one_stage.quiet()
    assert len(one_stage.ws.calls_of("chat.postMessage")) == before


@pytest.mark.parametrize(
    "line",
    [
        "@dbc vm list",
        "@dbc  vm\u00a0list",
        "@dbc, vm list",
        "@dbc: vm list",
        "@dbc\nvm list",
        "hey @dbc vm list",
    ],
)
async def test_a_mention_is_understood_however_it_is_typed(one_stage: Stage, line: str) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    told = await one_stage.asks(one_stage.alice, line)
    assert "inference" in told.plain
