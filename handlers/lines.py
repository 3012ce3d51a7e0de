"""Listeners for typed lines: the slash command, mentions, direct messages."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.model import Invocation, Place, Source
from bot.ports import Answer
from handlers.deliveries import Acknowledgement
from handlers.desk import Desk
from handlers.payloads import (
    Payload,
    delivery_key,
    event_place,
    event_team,
    is_from_person,
    without_mention,
)


def register(app: AsyncApp, desk: Desk, slash_command: str) -> None:
    """Listen for lines."""

    async def on_slash(body: Payload) -> BoltResponse:
        place = Place(body["channel_id"])
        # One trigger_id per command typed: a repeated delivery carries the same.
        invocation = Invocation(
            key=delivery_key("slash", body["trigger_id"]),
            actor=body["user_id"],
            place=place,
            text=body.get("text") or "",
            source=Source.SLASH,
            at=desk.clock.now(),
        )
        answer = desk.private(
            body["user_id"], place, body.get("response_url", ""), body["trigger_id"]
        )
        team = body.get("team_id") or body.get("enterprise_id") or ""
        return await _take(desk, invocation, team, answer)

    async def on_mention(body: Payload) -> BoltResponse:
        return await _message(desk, body, Source.MENTION)

    async def on_message(body: Payload) -> BoltResponse:
        if body["event"].get("channel_type") != "im":
            return Acknowledgement().response()
        return await _message(desk, body, Source.DIRECT)

    app.command(slash_command)(on_slash)
    app.event("app_mention")(on_mention)
    app.event("message")(on_message)


async def _message(desk: Desk, body: Payload, source: Source) -> BoltResponse:
    event = body["event"]
    # Bots are not answered at all: two that answer each other never stop.
    if not is_from_person(event):
        return Acknowledgement().response()
    place = event_place(event)
    invocation = Invocation(
        key=delivery_key("event", body["event_id"]),
        actor=event["user"],
        place=place,
        text=without_mention(event.get("text") or "", desk.connection.identity.user),
        source=source,
        at=desk.clock.now(),
    )
    answer = desk.public(event["user"], place)
    return await _take(desk, invocation, event_team(event, body), answer)


async def _take(desk: Desk, invocation: Invocation, team: str, answer: Answer) -> BoltResponse:
    key = invocation.key

    async def take() -> Acknowledgement:
        if desk.is_foreign(team):
            return desk.refuse_foreign(key, team, answer)
        accepted = await desk.core.line(invocation)
        desk.boundary.work(key, accepted.work, answer)
        return Acknowledgement()

    return await desk.boundary.take(key, answer, take)
