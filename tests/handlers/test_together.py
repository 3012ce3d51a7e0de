"""Many who ask the same at the same time: one question, and no answer from before they asked."""

import asyncio
from datetime import timedelta

from bot.ids import UserId
from handlers.slack import SlackDirectory
from handlers.together import Together
from sandbox.slack import HandClock
from tests.handlers.conftest import Office


async def settle() -> None:
    """Let go on whatever waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


class Questions:
    """What was asked, each answered when the test says so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[str]] = []

    async def __call__(self, _about: str) -> str:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


async def test_a_person_is_asked_about_together_by_all_who_want_to_know(office: Office) -> None:
    directory = SlackDirectory(office.connection, office.clock)
    people = await asyncio.gather(*(directory.person(UserId(office.bob.id)) for _ in range(20)))
    assert {one.name for one in people} == {"bob"}
    assert len(office.ws.calls_of("users.info")) == 2


async def test_nobody_gets_an_answer_to_what_was_asked_before_they_came() -> None:
    questions = Questions()
    ask = Together(questions, HandClock())
    first = asyncio.ensure_future(ask("alice"))
    await settle()
    later = [asyncio.ensure_future(ask("alice")) for _ in range(2)]
    await settle()
    assert len(questions.asked) == 1
    questions.asked[0].set_result("before")
    assert await first == "before"
    await settle()
    later[0].cancel()
    questions.asked[1].set_result("after")
    assert await later[1] == "after"
    assert len(questions.asked) == 2


async def test_what_fails_is_told_to_all_who_share_it_and_asked_anew_then() -> None:
    questions = Questions()
    ask = Together(questions, HandClock())
    asking = [asyncio.ensure_future(ask("alice")) for _ in range(3)]
    await settle()
    questions.asked[0].set_exception(ConnectionError("away"))
    await settle()
    questions.asked[1].set_exception(ConnectionError("away"))
    ends = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(end) for end in ends] == ["away"] * 3
    again = asyncio.ensure_future(ask("alice"))
    await settle()
    questions.asked[2].set_result("here")
    assert await again == "here"


async def test_a_question_that_hangs_keeps_nobody_from_asking() -> None:
    questions, clock = Questions(), HandClock()
    ask = Together(questions, clock)
    first = asyncio.ensure_future(ask("alice"))
    await settle()
    second = asyncio.ensure_future(ask("alice"))
    await settle()
    clock.advance(timedelta(seconds=2))
    await settle()
    questions.asked[1].set_result("at last")
    assert await second == "at last"
    first.cancel()
