"""Showing forms: at once with a trigger_id, else by a button that brings one.

Knows the forms it offered, for an hour and in memory: after a restart the person types again.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from cachetools import TTLCache

from bot.clock import Clock
from bot.errors import BotError
from bot.ids import Reader
from bot.model import Place
from bot.ports import DeliveryFailed, LockedOut, Unanswered
from bot.reply import Actions, Button, Form, Para, Reply, emoji, line, say
from handlers.connection import ENDED, SlackConnection
from handlers.forms import answer_view, form_view, reply_view, waiting_view
from handlers.payloads import FORM_OPEN, Json, Payload
from handlers.recent import remember
from handlers.response_url import ResponseUrl
from handlers.shapes import OddAnswer, OpenedView, shaped

# Seconds between looks for a waiting modal: Slack shows it within one, or it was closed.
PATIENCE = (0.05, 0.2, 0.5, 1.0)
# Longer for one that Slack does not answer about; after that a button opens it.
LATE = (2.0, 3.0, 5.0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Offer:
    """A form that waits for its button, and where its result will be said."""

    form: Form
    place: Place


@dataclass(frozen=True, slots=True)
class Shown:
    """A form before somebody: its view as it stood at `hash`, and what the person did then.

    `filling` is the form's own (`FormOrigin`).
    """

    view: str
    hash: str
    act: str = ""
    filling: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer in a modal: its external_id, its view as it stood at `hash`, the press in it."""

    name: str
    view: str
    hash: str
    act: str = ""


class Modals:
    """Opens forms, replaces them, and keeps those that wait for their button."""

    def __init__(self, connection: SlackConnection, clock: Clock) -> None:
        self._connection = connection
        self._offered: TTLCache[str, Offer] = remember(
            clock, size=1_000, lifetime=timedelta(hours=1)
        )
        # The view's hash after a change of ours, by the one before: who has been filling in the
        # form meanwhile only knows the former.
        self._changed: TTLCache[str, str] = remember(clock, size=1_000, lifetime=timedelta(hours=1))
        # Not in private_metadata, which people can read: whoever has the url can speak with it.
        self._urls: TTLCache[str, ResponseUrl] = remember(
            clock, size=1_000, lifetime=ResponseUrl.LIFETIME
        )
        self._newest: TTLCache[str, str] = remember(clock, size=1_000, lifetime=timedelta(hours=1))

    async def show(
        self, form: Form, place: Place, trigger: str, reader: Reader, *, above: bool = False
    ) -> Shown | None:
        """Open the form with a trigger_id; None where it is too late for that (3 s, once).

        `above`: over the modal in which a button was pressed, which stays below it.
        Raises BotError where Slack refuses the form itself: a button would not open it either.
        """
        external_id = secrets.token_urlsafe(16)  # to find it by, where Slack does not answer
        filling = _filling()
        view = self._view(form, place, reader, filling) | {"external_id": external_id}
        method = "views.push" if above else "views.open"
        try:
            answer = await self._connection.call(method, trigger_id=trigger, view=view)
            opened = shaped(OpenedView, answer).view
        except LockedOut:
            raise
        except (Unanswered, OddAnswer) as lost:
            log.info("form_not_answered", form=form.command, reason=lost.reason)
            is_slow = isinstance(lost, Unanswered) and lost.settles_within > ENDED
            late = await self._opened_late(external_id, view, (*PATIENCE, *LATE * is_slow))
            return late and replace(late, filling=filling)
        except DeliveryFailed as failed:
            if "trigger" in failed.reason or failed.retry_after is not None:
                log.info("form_not_opened", form=form.command, reason=failed.reason)
                return None
            log.warning("form_refused", form=form.command, reason=failed.reason)
            raise BotError(
                say("The form could not be opened."),
                hint=say("Type the command with its arguments, or try again."),
            ) from failed
        return Shown(opened.id, opened.hash, filling=filling)

    async def tell(
        self, reply: Reply, trigger: str, reader: Reader, *, above: bool = False
    ) -> Told | None:
        """Say it in a modal, which only they see and is gone once closed; None if too late.

        `above`: over the modal in which a button was pressed, which stays below it.
        """
        name, method = secrets.token_urlsafe(16), "views.push" if above else "views.open"
        view = self._answer(reply, reader, name)
        try:
            answer = await self._connection.call(method, trigger_id=trigger, view=view)
            opened = shaped(OpenedView, answer).view
        except (Unanswered, OddAnswer) as lost:
            log.info("answer_not_answered", method=method, reason=lost.reason)
            late = await self._opened_late(name, view, PATIENCE)
            return Told(name, late.view, late.hash) if late is not None else None
        except DeliveryFailed as failed:
            log.info("answer_not_opened", method=method, reason=failed.reason)
            return None
        return Told(name, opened.id, opened.hash)

    async def retell(self, reply: Reply, reader: Reader, told: Told) -> bool | None:
        """Say it in a modal that answers already; False where the person has closed it.

        None where something else was pressed there since, here or with another replica: it would
        take the place of what came of that, a form with what was typed into it.
        """
        if (self._newest.get(told.view) or "") != told.act:
            return None
        try:
            await self._change(told.view, told.hash, self._answer(reply, reader, told.name))
        except DeliveryFailed as failed:
            log.info("answer_not_changed", reason=failed.reason)
            return None if failed.reason == "hash_conflict" else False
        return True

    async def _change(self, view_id: str, known: str, view: Json) -> Shown:
        """Show something else in a view, as long as it stands as we last showed it."""
        while newer := self._changed.get(f"{view_id}:{known}"):
            known = newer
        answer = await self._connection.call("views.update", view_id=view_id, hash=known, view=view)
        changed = shaped(OpenedView, answer).view
        self._changed[f"{view_id}:{known}"] = changed.hash
        return Shown(changed.id, changed.hash)

    async def turn_into(self, told: Told, form: Form, place: Place, reader: Reader) -> Shown | None:
        """Put the form in the place of an answer; None where the person has closed that."""
        filling = _filling()
        view = self._view(form, place, reader, filling)
        try:
            turned = await self._change(told.view, told.hash, view)
        except DeliveryFailed as failed:
            log.info("form_not_shown", form=form.command, reason=failed.reason)
            return None
        return replace(turned, act=told.act, filling=filling)

    def _answer(self, reply: Reply, reader: Reader, name: str) -> Json:
        told, words = self._connection.spelled(reply, reader), self._connection.words(reader)
        return answer_view(told, words, name)

    async def _opened_late(
        self, external_id: str, view: Json, pauses: Sequence[float]
    ) -> Shown | None:
        """The form that Slack may have opened without saying so; None where it does not appear."""
        for delay in pauses:
            try:
                answer = await self._connection.call(
                    "views.update", external_id=external_id, view=view
                )
                opened = shaped(OpenedView, answer).view
            except DeliveryFailed as failed:
                if isinstance(failed, LockedOut):
                    raise
                await asyncio.sleep(delay)
            else:
                return Shown(opened.id, opened.hash)
        return None

    def keep_url(self, view: str, url: ResponseUrl) -> None:
        """Keep the response_url of what opened a form, for what is said beside it."""
        self._urls[view] = url

    def url_of(self, view: str) -> ResponseUrl | None:
        """The response_url of what opened a form, while it is remembered."""
        return self._urls.get(view)

    def acted(self, view: str, act: str) -> None:
        """Note what a person did last in a form: what answers an older act comes too late."""
        self._newest[view] = act

    async def renew(
        self, shown: Shown, form: Form, place: Place, reader: Reader, *, is_whole: bool = False
    ) -> None:
        """Show the form anew, unless something was done in it since, or it was closed."""
        if (self._newest.get(shown.view) or "") != shown.act:
            return
        view = self._view(form, place, reader, shown.filling, is_whole=is_whole)
        try:
            await self._change(shown.view, shown.hash, view)
        except DeliveryFailed as failed:
            log.info("form_not_renewed", form=form.command, reason=failed.reason)

    def offer(self, form: Form, place: Place) -> tuple[str, Reply]:
        """The id of the offer, and a reply with a button that opens the form."""
        offer_id = secrets.token_urlsafe(12)
        self._offered[offer_id] = Offer(form, place)
        button = Button(say("Open the form"), FORM_OPEN, offer_id, "primary")
        to_open = say("Fill in the form to go on: {title}", title=form.title)
        faults = [line(error) for error in form.errors.values()]
        told = [Para(line(emoji("no_entry_sign"), " ", fault)) for fault in faults]
        summary = line(*(piece for fault in faults for piece in (" ", *fault)))[1:] or to_open
        parts = told or [Para(line(to_open))]
        return offer_id, Reply(summary, (*parts, Actions((button,))), private=True)

    def change_offer(self, offer_id: str, form: Form, place: Place) -> None:
        """Let the button that was offered open this form."""
        self._offered[offer_id] = Offer(form, place)

    def offered(self, offer_id: str) -> Offer | None:
        """The form that a button stands for, while it is remembered."""
        return self._offered.get(offer_id)

    def _view(
        self, form: Form, place: Place, reader: Reader, filling: str, *, is_whole: bool = False
    ) -> Json:
        words = self._connection.words(reader)
        spelled = self._connection.spelled(form, reader)
        return form_view(spelled, place, words, is_whole=is_whole, filling=filling)

    def anew(self, form: Form, place: Place, reader: Reader, *, is_whole: bool) -> Json:
        """The form, for another try."""
        return self._view(form, place, reader, _filling(), is_whole=is_whole)

    def waiting(self, waiting: str, submitted: Payload, reply: Reply, reader: Reader) -> Json:
        """A form sent in that says meanwhile that it takes its time."""
        return waiting_view(submitted, self._connection.spelled(reply, reader), waiting)

    def told(self, waiting: str, submitted: Payload, reply: Reply, reader: Reader) -> Json:
        """What takes the place of a form sent in and says something."""
        told = self._connection.spelled(reply, reader)
        return reply_view(submitted, told, waiting, self._connection.words(reader))

    async def put_back(
        self, waiting: str, form: Form, place: Place, reader: Reader, *, is_whole: bool
    ) -> bool:
        """Replace a waiting modal by the form; False where the person has closed it."""
        return await self._update(waiting, self.anew(form, place, reader, is_whole=is_whole))

    async def meanwhile(
        self, waiting: str, submitted: Payload, reply: Reply, reader: Reader
    ) -> bool:
        """Change what a waiting form says; False where the person has closed it."""
        return await self._update(waiting, self.waiting(waiting, submitted, reply, reader))

    async def say(self, waiting: str, submitted: Payload, reply: Reply, reader: Reader) -> bool:
        """Replace a waiting modal by a reply; False where the person has closed it."""
        return await self._update(waiting, self.told(waiting, submitted, reply, reader))

    async def _update(self, waiting: str, view: object) -> bool:
        """Named by its external_id, the waiting modal is not found until Slack shows it.

        So quick work cannot be overtaken by the acknowledgement that says "please wait".
        """
        for delay in (*PATIENCE, None):
            try:
                await self._connection.call("views.update", external_id=waiting, view=view)
            except DeliveryFailed as failed:
                if failed.reason == "not_found" and delay is not None:
                    await asyncio.sleep(delay)
                    continue
                log.info("form_not_updated", reason=failed.reason)
                return False
            return True
        return False


def _filling() -> str:
    """What tells this filling-in of a form from another one."""
    return secrets.token_urlsafe(6)
