"""Listeners for forms: what was sent in, and options while a person types."""

import hashlib
import json
import re
import secrets
from gettext import NullTranslations

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.folding import sound
from bot.model import Submission
from bot.ports import HOME_FIND, HOME_PAGES, HOME_WORDS, Answer, Rejected, Search, Work
from bot.reply import Note, Reply, emoji, line, plain, say
from handlers.answer import FormAnswer
from handlers.boundary import Comes
from handlers.deliveries import Acknowledgement
from handlers.forms import (
    entered,
    errors_at,
    errors_view,
    is_whole,
    offering_view,
    options,
    reply_view,
    source_of,
)
from handlers.payloads import (
    FORM_CALLBACK,
    FORM_MORE,
    WAITING_CALLBACK,
    FormOrigin,
    Json,
    Payload,
    actor_of,
    delivery_key,
    press_place,
    pressed,
)
from handlers.switchboard import Switchboard


def register(app: AsyncApp, board: Switchboard) -> None:
    """Listen for forms."""
    digest_key = secrets.token_bytes(32)

    async def on_submit(body: Payload) -> BoltResponse:
        view = body["view"]
        actor, team = actor_of(body)
        # Sent again after a lost acknowledgement it is the same form, whatever was chosen in it
        # since; put back and sent again, it is another. A former version's has its hash alone,
        # which changes whenever we change it.
        filling = FormOrigin.load(view["private_metadata"]).filling
        submission = _submission(
            board, body, delivery_key("submit", view["id"], filling or view["hash"])
        )
        answer = board.form(actor, submission.place, view)
        board.modals.acted(view["id"], submission.key)

        async def take() -> Acknowledgement:
            if board.is_foreign(team):
                return board.refuse_foreign(submission.key, team, answer)
            return await _submit(board, submission, view, answer)

        # With other values it is another delivery of the same form, which the core judges.
        delivery = f"{submission.key}:{_digest(submission, digest_key)}"
        return await board.boundary.take(
            delivery, answer, take, comes=Comes.ANEW, settled=answer.settled
        )

    async def on_early(body: Payload) -> BoltResponse:
        words = board.connection.words(actor_of(body)[0])
        told = plain(say("Still checking what you sent."), words)
        return Acknowledgement(errors_view(told, body["view"])).response()

    async def on_suggest(body: Payload) -> BoltResponse:
        team = actor_of(body)[1]
        source = source_of(body["action_id"])

        async def suggest() -> BoltResponse:
            found = []
            if source and not board.is_foreign(team):
                found = await _options(board, _search(body, source))
            return Acknowledgement({"options": found}).response()

        return await board.boundary.ask(suggest)

    app.view(FORM_CALLBACK)(on_submit)
    app.view(WAITING_CALLBACK)(on_early)
    app.options(re.compile(""))(on_suggest)


def is_draft(body: Payload) -> bool:
    """Whether a block_actions payload is a choice in one of our forms that changes the form."""
    view = body.get("view") or {}
    if view.get("callback_id") != FORM_CALLBACK:
        return False
    if _asks_for_more(body):
        return True
    chosen = body["actions"][0]["block_id"]
    return any(b["type"] == "input" and b["block_id"] == chosen for b in view["blocks"])


def _asks_for_more(body: Payload) -> bool:
    return pressed(body["actions"][0])[0] == FORM_MORE


async def take_draft(board: Switchboard, body: Payload) -> BoltResponse:
    """Tell the core of the choice; the form is shown anew in its own time."""
    actor, team = actor_of(body)
    draft = _submission(board, body, delivery_key("draft", body["trigger_id"]))
    whole = is_whole(body["view"]) or _asks_for_more(body)
    answer = board.draft(actor, draft.place, body["view"], draft.key, is_whole=whole)

    async def take() -> Acknowledgement:
        if not board.is_foreign(team):
            board.boundary.work(draft.key, await board.core.draft(draft), answer)
        return Acknowledgement()

    return await board.boundary.take(draft.key, answer, take)


def _digest(submission: Submission, key: bytes) -> str:
    """Tells what was sent in from anything else; nobody without the key can try values by it."""
    values = json.dumps(sorted(submission.values.items())).encode()
    return hashlib.blake2b(values, key=key, digest_size=8).hexdigest()


def _finding(board: Switchboard, submission: Submission) -> Work:
    """Show the machines that have the words in the Home, whence they were asked for."""
    words = " ".join(submission.values.get(HOME_WORDS, "").split())[:_LONGEST_WORDS]
    pages = submission.given.get(HOME_PAGES, "1.1")

    async def show(_: Answer) -> None:
        await board.homes.show(submission.actor, f"{pages} {words}" if words else "")

    return show


_LONGEST_WORDS = 80  # characters; more would find nothing


async def _options(board: Switchboard, search: Search) -> list[Json]:
    found = await board.core.options(search)
    return options(board.connection.spelled(found, search.user))


def _submission(board: Switchboard, body: Payload, key: str) -> Submission:
    view = body["view"]
    origin = FormOrigin.load(view["private_metadata"])
    return Submission(
        key=key,
        actor=actor_of(body)[0],
        place=origin.place,
        form=origin.command,
        view=view["id"],
        values={**origin.kept, **entered(view)},
        given=origin.kept,
        at=board.clock.now(),
    )


def _search(body: Payload, source: str) -> Search:
    """What is sought. Slack leaves the state of the other fields out of a block_suggestion, or
    sends an old one (bolt-js#1146, java-slack-sdk#1292): a form remembers itself what was chosen.
    """
    actor, _ = actor_of(body)
    view = body.get("view") or {}
    typed = sound(body.get("value") or "")
    if view.get("callback_id") != FORM_CALLBACK:
        return Search(actor, source, typed, press_place(body))
    origin = FormOrigin.load(view["private_metadata"])
    return Search(actor, source, typed, origin.place, origin.command, origin.kept)


async def _submit(
    board: Switchboard, submission: Submission, view: Payload, answer: FormAnswer
) -> Acknowledgement:
    outcome = await board.core.submit(submission)
    if isinstance(outcome, Rejected):
        words = board.connection.words(submission.actor)
        return _rejected(view, board.connection.spelled(outcome, submission.actor), words)
    taken = Acknowledgement() if outcome.waiting is None else answer.wait(outcome.waiting)
    work = _finding(board, submission) if submission.form == HOME_FIND else outcome.work
    is_awaited = outcome.waiting is not None
    board.boundary.work(submission.key, work, answer, is_awaited=is_awaited)
    return taken


def _rejected(view: Payload, outcome: Rejected, words: NullTranslations) -> Acknowledgement:
    """Not final: nothing was recorded, and the same may be sent in again and be right then."""
    errors = errors_at(view, outcome.errors)
    if errors is not None and outcome.offers:
        shown = offering_view(view, outcome.errors, outcome.offers)
        return Acknowledgement({"response_action": "update", "view": shown}, final=False)
    if errors is not None:
        return Acknowledgement({"response_action": "errors", "errors": errors}, final=False)
    notes = [Note(line(emoji("warning"), " ", error)) for error in outcome.errors.values()]
    reply = Reply(say("Not accepted"), tuple(notes))
    shown = reply_view(view, reply, language=words)
    return Acknowledgement({"response_action": "update", "view": shown})
