"""Deliveries that are repeated, lost and late: one execution, every message said once."""

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage, is_card


@both_stages
async def test_a_command_delivered_twice_at_once_is_carried_out_once(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.deliver_twice()
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


@both_stages
@pytest.mark.parametrize("kind", ["/dbc ", "@dbc "])
async def test_a_command_delivered_again_later_is_carried_out_once(stage: Stage, kind: str) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, f"{kind}vm start inference")
    for _ in range(3):
        await stage.ws.deliver_again()
        await stage.quiet()
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


@both_stages
async def test_a_form_sent_in_twice_is_carried_out_once(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.types("/dbc vm create image=ubuntu-22.04-cuda-12.qcow2 on gpu2", CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    stage.ws.deliver_twice()
    await stage.alice.submits({"Name": "t1"})
    await stage.quiet()
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert stage.changes() == ["tasks.create"]


@pytest.mark.parametrize(
    ("kind", "after_effect"),
    [
        ("http_500", False),
        ("http_500", True),  # posted, and the answer lost
        ("ratelimited", False),
        ("reset", False),
        ("reset", True),
    ],
)
async def test_messages_come_through_an_outage_once(
    one_stage: Stage, kind: str, after_effect: bool
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.faults.add(kind, "chat.postMessage", times=None, after_effect=after_effect)  # type: ignore[arg-type]
    stage.ws.faults.add(kind, "chat.update", times=None)  # type: ignore[arg-type]
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    await stage.passes(5)
    stage.ws.faults.clear()
    for _ in range(4):
        await stage.passes(60)
    said = [m.plain.replace("*", "") for m in stage.bob.messages(CHANNEL)]
    cards = [text for text in said if is_card(text)]
    assert len(cards) == 1
    assert "inference is running on gpu1" in cards[0]
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["tasks.start"]


async def test_an_outage_of_a_channel_ends_in_a_direct_message(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.faults.error("channel_not_found", "chat.postMessage", times=2)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    assert "is starting" in stage.alice.last("@dbc").plain
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
