"""Listener for the Home tab."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.model import Place
from bot.ports import Answer
from handlers.boundary import Comes
from handlers.deliveries import Acknowledgement
from handlers.payloads import Payload, delivery_key
from handlers.render import view_blocks
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for the Home tab being opened."""

    async def on_home(body: Payload) -> BoltResponse:
        event = body["event"]
        if event.get("tab") != "home":
            return Acknowledgement().response()
        key = delivery_key("event", body["event_id"])
        answer = board.public(event["user"], Place(event["channel"]))

        async def take() -> Acknowledgement:
            async def work(_: Answer) -> None:
                await show_home(board, event["user"])

            board.boundary.work(key, work, answer)
            return Acknowledgement()

        return await board.boundary.take(key, answer, take, comes=Comes.AGAIN)

    app.event("app_home_opened")(on_home)


async def show_home(board: Switchboard, user: str, page: int = 1) -> None:
    """Publish what the core says to `user`'s Home tab."""
    reply = await board.core.home(user, page)
    await board.readers.meet(user)
    parts = board.connection.spelled(reply, user).parts
    view = {"type": "home", "blocks": view_blocks(parts, board.connection.words(user))}
    await board.connection.call("views.publish", user_id=user, view=view)
