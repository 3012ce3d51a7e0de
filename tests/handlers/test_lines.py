"""Typed lines: the slash command, mentions and direct messages, from key to answer."""

from bot.model import Place, Source
from bot.reply import Reply
from sandbox.slack.delivery import Ack
from tests.handlers.conftest import Office
from tests.handlers.scripted import say


async def test_a_slash_command_is_acknowledged_and_answered_privately(any_office: Office) -> None:
    any_office.core.work = say(Reply.of("Two machines."))
    ack = await any_office.alice.types("/dbc vm list")
    assert isinstance(ack, Ack)
    assert ack.ok
    assert ack.body in (None, "")
    seen = await any_office.alice.sees("Two machines.")
    assert seen.ephemeral
    (line,) = any_office.core.lines
    assert (line.actor, line.text, line.source) == (any_office.alice.id, "vm list", Source.SLASH)
    assert line.place == Place(seen.channel)
