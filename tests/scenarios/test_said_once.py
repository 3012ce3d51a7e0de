"""One message is one command, as whatever event and however often Slack tells of it."""

import pytest

from bot.model import AuditKind
from sandbox.slack.faults import FaultKind
from tests.scenarios.site import entries
from tests.scenarios.stage import CHANNEL, Stage

CREATE = "vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 cpu=4 mem=16 disk=50 on gpu1"
DIRECT = "@dbc"


async def creations(one_stage: Stage) -> int:
    await one_stage.quiet()
    return one_stage.changes().count("tasks.create")


@pytest.mark.parametrize(
    "changes", [{}, {"type": "message", "channel_type": "im"}, {"client_msg_id": None}]
)
async def test_a_mention_that_comes_as_two_events_is_carried_out_once(
    one_stage: Stage, changes: dict[str, object]
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(f"@dbc {CREATE}", channel=CHANNEL)
    one_stage.ws.tell_again(**changes)
    assert await creations(one_stage) == 1
    one_stage.ws.tell_again(**changes)
    assert await creations(one_stage) == 1


async def test_a_direct_message_that_comes_as_a_mention_too_is_carried_out_once(
    one_stage: Stage,
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(CREATE, channel=DIRECT)
    one_stage.ws.tell_again(type="app_mention")
    assert await creations(one_stage) == 1


async def test_the_same_written_message_under_another_timestamp_is_carried_out_once(
    one_stage: Stage,
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(CREATE, channel=DIRECT)
    one_stage.ws.tell_again(ts="1767603999.000900", event_ts="1767603999.000900")
    assert await creations(one_stage) == 1


async def test_a_message_told_again_after_a_restart_is_not_carried_out_again(
    one_stage: Stage,
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(CREATE, channel=DIRECT)
    assert await creations(one_stage) == 1
    await one_stage.restart_bot()
    one_stage.ws.tell_again(type="app_mention")
    assert await creations(one_stage) == 1


async def test_two_alike_messages_are_two_commands(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    for _ in range(2):
        await one_stage.alice.types("vm start inference", channel=DIRECT)
        await one_stage.quiet()
    asked = [e for e in await entries(one_stage) if e.command == "vm.start"]
    assert [e.kind for e in asked].count(AuditKind.REQUESTED) == 2


@pytest.mark.parametrize("subtype", ["file_share", "me_message"])
async def test_a_direct_message_with_a_file_or_by_me_is_answered(
    one_stage: Stage, subtype: str
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types("vm list", channel=DIRECT, subtype=subtype)
    await one_stage.quiet()
    assert "inference" in one_stage.alice.last(DIRECT).plain


async def test_a_mention_in_a_thread_that_also_goes_to_the_channel_is_answered(
    one_stage: Stage,
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.bob.types("gpu1 is slow", channel=CHANNEL)
    thread = one_stage.bob.last(CHANNEL)
    await one_stage.alice.types("@dbc vm list", CHANNEL, thread, subtype="thread_broadcast")
    await one_stage.quiet()
    assert "inference" in one_stage.alice.last(CHANNEL).plain


@pytest.mark.parametrize("kind", ["reset", "http", "http_500"])
@pytest.mark.parametrize("arrives", [True, False])
async def test_a_private_answer_that_slack_does_not_confirm_is_said_once(
    one_stage: Stage, kind: FaultKind, arrives: bool
) -> None:
    stage = one_stage
    stage.ws.faults.add(kind, "response_url", times=None, after_effect=arrives, status=504)
    await stage.alice.types("/dbc help", CHANNEL)
    await stage.quiet()
    said = [m for m in stage.alice.messages(CHANNEL) if "/dbc vm" in m.plain]
    assert len(said) == int(arrives)
    assert stage.alice.messages(DIRECT) == []


async def test_a_private_answer_that_slack_refuses_comes_in_another_way(one_stage: Stage) -> None:
    stage = one_stage
    stage.ws.faults.add("http", "response_url", times=None, status=404)
    await stage.alice.types("/dbc help", CHANNEL)
    await stage.alice.sees("/dbc vm", CHANNEL)
