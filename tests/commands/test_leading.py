"""The buttons below a refusal for what its hint says to type."""

import pytest

from bot.errors import Refused
from bot.pipeline.leading import leading
from bot.ports import Answer
from bot.reply import Button, Line, line, say
from bot.reply.text import command
from tests.handlers.scripted import silent

LIST, SHOW = Button(say("List machines"), "a", "1"), Button(say("Show"), "a", "2")


async def led(ways: tuple[Button, ...]) -> Refused:
    """What comes of a refusal that has one button, and whose hint names these."""

    async def work(_: Answer) -> None:
        refusal = Refused(say("No."), hint=line(command("vm list")))
        refusal.offers = (LIST,)
        raise refusal

    async def found(_: Line) -> tuple[Button, ...]:
        return ways

    with pytest.raises(Refused) as caught:
        await leading(work, found)(silent)  # type: ignore[arg-type]
    return caught.value


async def test_no_button_stands_below_a_refusal_twice() -> None:
    assert (await led((LIST, SHOW))).offers == (LIST, SHOW)
