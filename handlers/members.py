"""Listener for what members change about themselves: their language."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from handlers.deliveries import Acknowledgement
from handlers.payloads import Payload
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for changes of members."""

    async def on_change(body: Payload) -> BoltResponse:
        user = body["event"]["user"]
        if (languages := board.connection.languages) is not None:
            if locale := user.get("locale"):
                languages.heard(user["id"], locale)
            else:  # Slack may leave it out, as users.info does where it is not asked for
                languages.doubt(user["id"])
        return Acknowledgement().response()

    app.event("user_change")(on_change)
