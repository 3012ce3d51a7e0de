"""Listeners for buttons: ours go to the core, "Open the form" is ours alone."""

import re
from dataclasses import replace

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.model import Press
from bot.ports import HOME_PAGE, Answer, Work
from bot.reply import Reply, say
from handlers.deliveries import Acknowledgement
from handlers.modals import Offer
from handlers.payloads import (
    FORM_OPEN,
    Payload,
    actor_of,
    delivery_key,
    is_of_row,
    is_pressed_alone,
    press_place,
    pressed,
    ts_of_pressed,
)
from handlers.submissions import is_draft, take_draft
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for presses."""

    async def on_press(body: Payload) -> BoltResponse:
        if is_draft(body):
            return await take_draft(board, body)
        clicked = body["actions"][0]
        action, value = pressed(clicked)
        if not action:
            return Acknowledgement().response()
        actor, team = actor_of(body)
        press = Press(
            key=delivery_key("press", body["trigger_id"], clicked["action_id"]),
            actor=actor,
            place=press_place(body),
            action=action,
            value=value,
            at=board.clock.now(),
            is_alone=is_pressed_alone(body),
            ts=ts_of_pressed(body),
            in_list=is_of_row(clicked),
        )
        view = body.get("view") or {}
        offer = board.modals.offered(press.value) if action == FORM_OPEN else None
        answer = board.private(
            actor,
            offer.place if offer is not None else press.place,
            body.get("response_url") or "",
            body["trigger_id"],
            view,
        )

        async def take() -> Acknowledgement:
            if board.is_foreign(team):
                await board.core.turn_away(press, team)
                return board.refuse_foreign(press.key, team, answer)
            if press.action == HOME_PAGE:
                board.boundary.work(press.key, _page(board, press), answer)
                return Acknowledgement()
            work = await _work(board, press, offer)
            if view.get("type") == "home":
                work = _then_home(board, press, _pages(view.get("private_metadata")), work)
            board.boundary.work(press.key, work, answer)
            return Acknowledgement()

        return await board.boundary.take(press.key, answer, take)

    app.action(re.compile(""))(on_press)


async def _work(board: Switchboard, press: Press, offer: Offer | None) -> Work:
    if press.action != FORM_OPEN:
        return (await board.core.press(press)).work

    async def open_form(answer: Answer) -> None:
        if offer is None:
            sentence = say("This button has expired. Type the command again.")
            await answer.say(replace(Reply.of(sentence, private=True), is_look=True))
        else:
            await answer.open(offer.form)

    return open_form


def _page(board: Switchboard, press: Press) -> Work:
    """Another page of the Home tab."""

    async def show(_: Answer) -> None:
        await board.homes.show(press.actor, _pages(press.value))

    return show


def _pages(text: str | None) -> str:
    return text if text and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){0,2}( .{1,80})?", text) else ""


def _then_home(board: Switchboard, press: Press, pages: str, work: Work) -> Work:
    """The work, and the Home tab it was asked for in shown anew, at the pages it stood at."""

    async def both(answer: Answer) -> None:
        await work(answer)
        await board.homes.show(press.actor, pages)

    return both
