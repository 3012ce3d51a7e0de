"""Private answers by a response_url: said once, whatever becomes of the answer to them."""

from typing import Any

import pytest

from bot.reply import Column, Reply, Row, Rows, line
from tests.handlers.conftest import Office
from tests.handlers.scripted import say

HELLO = Reply.of("Restarting x.", private=True)


@pytest.fixture
def office(office: Office) -> Office:
    """The bot answers with one sentence."""
    office.core.work = say(HELLO)
    return office


async def said(office: Office) -> int:
    """How often Alice reads the sentence, once the bot has nothing under way."""
    await office.alice.types("/dbc x", "gpu-ops")
    await office.ws.idle()
    await office.edge.stop()
    return sum("Restarting x." in seen.plain for seen in office.alice.messages())


@pytest.mark.parametrize(
    "fault",
    [{"kind": "reset"}, {"kind": "http_500"}, {"kind": "http", "status": 503},
     {"kind": "http", "status": 200}],
)  # fmt: skip
async def test_an_answer_that_was_said_is_not_said_again(
    office: Office, fault: dict[str, Any]
) -> None:
    office.ws.faults.add(**fault, method="response_url", times=None, after_effect=True)
    assert await said(office) == 1


@pytest.mark.parametrize("error", ["used_url", "expired_url"])
async def test_what_slack_refuses_is_said_another_way(office: Office, error: str) -> None:
    office.ws.faults.add("error", "response_url", times=None, error=error)
    assert await said(office) == 1


async def test_the_last_use_is_not_tried_with_a_table(office: Office) -> None:
    row = Row(line("Restarting x."), {}, cells=(line("Restarting x."),))
    table = Reply(HELLO.summary, (Rows((row,), columns=(Column("What"),)),), private=True)
    office.core.work = say(*[Reply.of(f"{number}.", private=True) for number in range(4)], table)
    office.ws.core.refused_blocks = {"table"}
    assert await said(office) == 1
    assert office.ws.calls_of("chat.postEphemeral") == []


async def test_slacks_wish_to_wait_is_heeded(office: Office) -> None:
    office.ws.faults.ratelimit("response_url", retry_after=0)
    assert await said(office) == 1
    assert office.ws.calls_of("chat.postEphemeral") == []
