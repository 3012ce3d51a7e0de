"""Listeners for shortcuts: one on any message that names a machine, one for everything."""

from collections.abc import Iterator

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.model import Place, Press
from bot.ports import COMMAND_CHOICE, MACHINES_NAMED
from handlers.deliveries import Acknowledgement
from handlers.payloads import Payload, actor_of, delivery_key, press_place
from handlers.switchboard import Switchboard

ON_MESSAGE = "act_on_machine"
ANYWHERE = "run_command"
_MOST = 6_000  # characters of what stands in a message

# What a manifest says of them; Slack takes 24 characters of a name, 150 of a description.
SHORTCUTS = (
    {
        "name": "Act on this machine",
        "type": "message",
        "callback_id": ON_MESSAGE,
        "description": "Show, restart or manage the machine that a message names",
    },
    {
        "name": "DBC: run a command",
        "type": "global",
        "callback_id": ANYWHERE,
        "description": "Choose a command for GPU machines, fill in its form",
    },
)


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for shortcuts."""

    async def on_message(body: Payload) -> BoltResponse:
        text = " ".join(_texts(body.get("message") or {}))[:_MOST]
        return await _take(board, body, press_place(body), MACHINES_NAMED, text)

    async def anywhere(body: Payload) -> BoltResponse:
        place = Place.direct(actor_of(body)[0])  # Slack does not tell where one is
        return await _take(board, body, place, COMMAND_CHOICE, "")

    app.message_shortcut(ON_MESSAGE)(on_message)
    app.global_shortcut(ANYWHERE)(anywhere)


async def _take(
    board: Switchboard, body: Payload, place: Place, action: str, value: str
) -> BoltResponse:
    actor, team = actor_of(body)
    key = delivery_key("press", body["trigger_id"], action)
    press = Press(key, actor, place, action, value, board.clock.now())
    answer = board.private(actor, place, body.get("response_url") or "", body["trigger_id"])

    async def take() -> Acknowledgement:
        if board.is_foreign(team):
            return board.refuse_foreign(key, team, answer)
        accepted = await board.core.press(press)
        board.boundary.work(key, accepted.work, answer)
        return Acknowledgement()

    return await board.boundary.take(key, answer, take)


def _texts(value: object) -> Iterator[str]:
    """Whatever is written in a message, also what its buttons carry: ids, maybe."""
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in {"text", "value"} and isinstance(one, str):
                yield one
            else:
                yield from _texts(one)
