"""Listener for the Home tab."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.ids import ChannelId, UserId
from bot.model import Place
from bot.ports import Answer
from handlers.boundary import Comes
from handlers.deliveries import Acknowledgement
from handlers.payloads import Payload, delivery_key
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for the Home tab being opened."""

    async def on_home(body: Payload) -> BoltResponse:
        event = body["event"]
        if event.get("tab") != "home":
            return Acknowledgement().response()
        key = delivery_key("event", body["event_id"])
        actor = UserId(event["user"])
        answer = board.public(actor, Place(ChannelId(event["channel"])))

        async def take() -> Acknowledgement:
            async def work(_: Answer) -> None:
                await board.homes.show(actor, "")

            board.boundary.work(key, work, answer)
            return Acknowledgement()

        return await board.boundary.take(key, answer, take, comes=Comes.AGAIN)

    app.event("app_home_opened")(on_home)
