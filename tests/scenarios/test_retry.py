"""*Retry …* below a failure: what was requested is its requester's, and no guest's."""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import entries, told
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_rights import presses_somehow
from tests.scenarios.test_gpu_claims import with_one_off

CREATE = "@dbc vm create name=secret-plan image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"


async def failed_creation(stage: Stage) -> SeenMessage:
    """Where all see it, Alice's creation has failed."""
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu2")
    stage.node("gpu2").fail("create", "no_lease")
    await stage.asks(stage.alice, CREATE)
    await stage.passes(30, times=4)
    return next(m for m in reversed(stage.bob.messages(CHANNEL)) if "Retry …" in m.buttons)


async def failed_start(stage: Stage) -> SeenMessage:
    """Where all see it, Alice's start of `inference` has failed."""
    await with_one_off(stage)
    stage.node("gpu1").fail("start")
    await stage.asks(stage.alice, "@dbc vm start inference")
    await stage.passes(30, times=4)
    return next(m for m in reversed(stage.bob.messages(CHANNEL)) if "Retry …" in m.buttons)


async def test_what_was_requested_is_filled_in_for_its_requester_alone(one_stage: Stage) -> None:
    stage = one_stage
    end = await failed_creation(stage)
    await stage.bob.presses("Retry …", end)
    await stage.quiet()
    form = await stage.bob.sees_modal("Create a machine")
    assert not form.value("Name")
    assert "secret-plan" not in str(form.view.blocks) + form.private_metadata
    await stage.alice.presses("Retry …", end)
    await stage.quiet()
    assert (await stage.alice.sees_modal("Create a machine")).value("Name") == "secret-plan"


@pytest.mark.parametrize("given", ["on box", ""])
async def test_what_failed_is_retried_on_its_node_whatever_is_meant_by_now(
    one_stage: Stage, given: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc node name gpu2 box")
    await stage.asks(stage.alice, "/dbc node use box here")
    stage.node("gpu2").fail("create", "no_lease")
    await stage.asks(stage.alice, CREATE.replace("on gpu2", given))
    await stage.passes(30, times=4)
    end = next(m for m in reversed(stage.alice.messages(CHANNEL)) if "Retry …" in m.buttons)
    await stage.asks(stage.alice, "/dbc node name gpu2 oldbox")
    await stage.asks(stage.alice, "/dbc node name gpu1 box")
    await stage.asks(stage.alice, "/dbc node use box here")
    await stage.alice.presses("Retry …", end)
    await stage.quiet()
    form = await stage.alice.sees_modal("Create a machine")
    assert form.value("Node") == stage.node("gpu2").node_id


@pytest.mark.parametrize("failed", [failed_creation, failed_start])
async def test_a_guest_is_shown_nothing_of_what_failed(
    one_stage: Stage, failed: Callable[[Stage], Awaitable[SeenMessage]]
) -> None:
    stage = one_stage
    end = await failed(stage)
    stage.carol.member.is_restricted = True
    await stage.passes(61)
    await stage.carol.presses("Retry …", end)
    await stage.quiet()
    assert stage.carol.modal is None
    refusal = stage.carol.last(CHANNEL)
    assert refusal.ephemeral
    assert "Only full members of this workspace can see machines" in refusal.plain


async def test_a_colleague_retries_what_failed_with_a_machine_of_theirs(one_stage: Stage) -> None:
    stage = one_stage
    end = await failed_start(stage)
    await stage.bob.presses("Retry …", end)
    await stage.quiet()
    assert stage.bob.modal is None
    assert "You have no such machine" in stage.bob.last(CHANNEL).plain
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.bob, "/dbc vm list")
    await stage.bob.presses("Retry …", end)
    await stage.quiet()
    form = await stage.bob.sees_modal("Start a machine")
    assert form.value("Machine") == stage.task("inference").task_id


@pytest.mark.parametrize("how", ["elsewhere", "stale"])
async def test_what_failed_is_retried_where_it_was_told_and_while_it_has_failed(
    one_stage: Stage, how: str
) -> None:
    stage = one_stage
    end = await failed_creation(stage)
    await stage.bob.presses("Retry …", end)
    await stage.quiet()
    await stage.bob.closes()
    why = "This can be retried only where it was told"
    if how == "elsewhere":
        channel = {"id": stage.ws.core.state.channel("random").id}
        await presses_somehow(stage, end, channel=channel)
    else:
        await stage.asks(stage.alice, "@dbc settings language en")
        done = (await entries(stage))[-1].execution
        why = "This is done by now. There is nothing to retry"
        await presses_somehow(stage, end, action={"value": done})
    assert stage.bob.modal is None
    assert told(stage.bob, why)


async def test_what_is_no_longer_kept_is_not_called_a_button_of_an_older_kind(
    one_stage: Stage,
) -> None:
    stage = one_stage
    end = await failed_creation(stage)
    await stage.bob.presses("Retry …", end)
    await stage.quiet()
    await stage.bob.closes()
    await presses_somehow(stage, end, action={"value": "gone"})
    assert told(stage.bob, "What this button is about is no longer kept")
