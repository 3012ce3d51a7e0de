"""Listeners for typed lines: the slash command, mentions, direct messages."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.folding import sound
from bot.ids import ChannelId, UserId
from bot.model import Invocation, Place, Source
from handlers.boundary import Comes, EndingAnswer
from handlers.deliveries import Acknowledgement
from handlers.payloads import (
    Payload,
    delivery_key,
    event_place,
    event_team,
    is_from_person,
    said_in,
    without_mention,
)
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard, slash_command: str) -> None:
    """Listen for lines."""

    async def on_slash(body: Payload) -> BoltResponse:
        place = Place(ChannelId(body["channel_id"]))
        # One trigger_id per command typed: a repeated delivery carries the same.
        invocation = Invocation(
            key=delivery_key("slash", body["trigger_id"]),
            actor=UserId(body["user_id"]),
            place=place,
            text=sound(body.get("text") or ""),
            source=Source.SLASH,
            at=board.clock.now(),
        )
        answer = board.private(
            invocation.actor, place, body.get("response_url", ""), body["trigger_id"]
        )
        team = body.get("team_id") or body.get("enterprise_id") or ""
        return await _take(board, invocation, team, answer)

    async def on_mention(body: Payload) -> BoltResponse:
        return await _message(board, body, Source.MENTION)

    async def on_message(body: Payload) -> BoltResponse:
        if body["event"].get("channel_type") != "im":
            return Acknowledgement().response()
        return await _message(board, body, Source.DIRECT)

    app.command(slash_command)(on_slash)
    app.event("app_mention")(on_mention)
    app.event("message")(on_message)


async def _message(board: Switchboard, body: Payload, source: Source) -> BoltResponse:
    event = body["event"]
    # Bots are not answered at all: two that answer each other never stop.
    if not is_from_person(event):
        return Acknowledgement().response()
    place = event_place(event)
    invocation = Invocation(
        # Not the event's id: one message can come as several events (`message` and `app_mention`).
        key=delivery_key("message", event["channel"], event["ts"]),
        actor=UserId(event["user"]),
        place=place,
        text=without_mention(sound(said_in(event)), board.connection.identity.user),
        source=source,
        at=board.clock.now(),
    )
    answer = board.public(invocation.actor, place)
    written = event.get("client_msg_id") or ""
    also = delivery_key("written", event["user"], written) if written else ""
    return await _take(board, invocation, event_team(event, body), answer, also, Comes.AGAIN)


async def _take(
    board: Switchboard,
    invocation: Invocation,
    team: str,
    answer: EndingAnswer,
    also: str = "",
    comes: Comes = Comes.ONCE,
) -> BoltResponse:
    key = invocation.key

    async def take() -> Acknowledgement:
        if board.is_foreign(team):
            return board.refuse_foreign(key, team, answer)
        accepted = await board.core.line(invocation)
        board.boundary.work(key, accepted.work, answer)
        return Acknowledgement()

    return await board.boundary.take(key, answer, take, also=also, comes=comes)
