"""Listeners for forms: what was sent in, and options while a person types."""

import re

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.model import Submission
from bot.ports import Rejected
from bot.reply import Note, Reply, emoji, line
from handlers.answer import FormAnswer
from handlers.deliveries import Acknowledgement
from handlers.forms import entered, errors_at, options, reply_view, source_of
from handlers.payloads import FORM_CALLBACK, FormOrigin, Payload, actor_of, delivery_key
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for forms."""

    async def on_submit(body: Payload) -> BoltResponse:
        view = body["view"]
        actor, team = actor_of(body)
        origin = FormOrigin.load(view["private_metadata"])
        # The hash changes whenever we change the form: sent again after a lost acknowledgement,
        # it is the same submission; put back and sent again, it is another.
        submission = Submission(
            key=delivery_key("submit", view["id"], view["hash"]),
            actor=actor,
            place=origin.place,
            form=origin.command,
            view=view["id"],
            values={**origin.kept, **entered(view)},
            at=board.clock.now(),
        )
        answer = board.form(actor, origin.place, view)

        async def take() -> Acknowledgement:
            if board.is_foreign(team):
                return board.refuse_foreign(submission.key, team, answer)
            return await _submit(board, submission, view, answer)

        return await board.boundary.take(submission.key, answer, take)

    async def on_suggest(body: Payload) -> BoltResponse:
        actor, team = actor_of(body)
        source = source_of(body["action_id"])

        async def suggest() -> BoltResponse:
            found = []
            if source and not board.is_foreign(team):
                found = options(await board.core.options(actor, source, body.get("value") or ""))
            return Acknowledgement({"options": found}).response()

        return await board.boundary.ask(suggest)

    app.view(FORM_CALLBACK)(on_submit)
    app.options(re.compile(""))(on_suggest)


async def _submit(
    board: Switchboard, submission: Submission, view: Payload, answer: FormAnswer
) -> Acknowledgement:
    outcome = await board.core.submit(submission)
    if isinstance(outcome, Rejected):
        return _rejected(view, outcome)
    waiting = answer.wait() if outcome.waiting is not None else ""
    board.boundary.work(submission.key, outcome.work, answer)
    if outcome.waiting is None:
        return Acknowledgement()
    return Acknowledgement(
        {"response_action": "update", "view": reply_view(view, outcome.waiting, waiting)}
    )


def _rejected(view: Payload, outcome: Rejected) -> Acknowledgement:
    """Not final: nothing was recorded, and the corrected form has the same hash."""
    errors = errors_at(view, outcome.errors)
    if errors is not None:
        return Acknowledgement({"response_action": "errors", "errors": errors}, final=False)
    notes = [Note(line(emoji("warning"), " ", error)) for error in outcome.errors.values()]
    reply = Reply("Not accepted", tuple(notes))
    return Acknowledgement({"response_action": "update", "view": reply_view(view, reply)})
