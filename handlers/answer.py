"""How one invocation is answered, by where it came from: `ports.Answer` with Slack.

Private where people asked privately, public where they asked in public. Knows nothing of what
is said.
"""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from bot.clock import Clock, time_limit
from bot.ids import UserId
from bot.model import MessageRef, Place
from bot.ports import DeliveryFailed, Unanswered
from bot.reply import Actions, Form, Reply, emoji, say
from handlers.arrivals import Arrival, arrival
from handlers.deliveries import Acknowledgement
from handlers.forms import is_whole
from handlers.interlude import Interlude
from handlers.modals import Modals, Shown
from handlers.payloads import Json, Payload
from handlers.response_url import ResponseUrl
from handlers.slack import SlackMessenger

log = structlog.get_logger()


class _Answer(ABC):
    """What all answers share: forms, by the person's trigger while it lasts."""

    _is_above = False  # whether a form is opened over another one

    def __init__(
        self,
        messenger: SlackMessenger,
        modals: Modals,
        clock: Clock,
        *,
        actor: UserId,
        place: Place,
        trigger: str = "",
        url: ResponseUrl | None = None,
    ) -> None:
        self._interlude = Interlude(messenger, clock, place)
        self._is_waiting = False  # whether a message of its own says that it takes its time
        self._url = url
        self._messenger = messenger
        self._modals = modals
        self._actor = actor
        self._place = place
        self._trigger = trigger
        self._shown: Shown | None = None
        self._is_whole = False  # whether a form that is shown anew has all of its fields
        self._offer = ""
        self._is_broken_off = False
        self._is_asked = False  # whether a question to the person waits in their messages

    @property
    def asked(self) -> Mapping[str, str]:
        """Who asked and where, for the log."""
        return {"actor": self._actor, "channel": self._place.channel}

    def leave_question(self) -> None:
        """Note that a question to the person waits in their messages, to be confirmed."""
        self._is_asked = True

    @property
    def in_messages(self) -> Reply:
        """What a view above the Home tab says of what stands in the messages."""
        return TO_CONFIRM if self._is_asked else IN_MESSAGES

    def break_off(self) -> None:
        """Note that whatever would have answered was stopped before its end."""
        self._is_broken_off = True

    @abstractmethod
    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer; gives the message in which it stands where that can be edited later."""

    async def meanwhile(self, reply: Reply) -> None:
        """Say that it takes its time.

        With the bot alone, in a message that can be taken back. What is said privately in a channel
        cannot: Slack lets an app replace it only once the person has pressed something in it
        (bolt-python#1268, bolt-js#2287, chat.update).
        """
        if self._is_direct:
            try:
                await self._interlude.begin(reply)
            except Unanswered:
                self._is_waiting = True
                raise
            except DeliveryFailed as failed:
                log.info("not_with_us_alone", reason=failed.reason)
            else:
                self._is_waiting = True
                return
        await self.say(reply)

    async def done(self) -> None:
        """Nothing more is said: what only said that it takes its time disappears."""
        if self._is_waiting:
            await self._interlude.take_back()

    @property
    def _is_direct(self) -> bool:
        """Whether it is said in a direct message (with the bot, or with somebody else)."""
        return self._place.channel.startswith("D")

    async def open(self, form: Form) -> None:
        """Show the form, or a button that opens it; what was shown before is shown anew."""
        if self._shown is not None:
            await self._modals.renew(
                self._shown, form, self._place, self._actor, is_whole=self._is_whole
            )
            return
        trigger, self._trigger = self._trigger, ""
        await self._messenger.meet(self._actor)
        if trigger:
            self._shown = await self._modals.show(
                form, self._place, trigger, self._actor, above=self._is_above
            )
            if self._shown is not None and self._url is not None:
                # It works where the bot is no member: for what is said beside the form.
                self._modals.keep_url(self._shown.view, self._url)
        if self._shown is not None:
            return
        if self._offer and not form.errors:
            self._modals.change_offer(self._offer, form, self._place)
            return
        self._offer, reply = self._modals.offer(form, self._place)
        await self.say(reply)


class PrivateAnswer(_Answer):
    """To a slash command or a button: seen by the person alone."""

    def __init__(
        self,
        messenger: SlackMessenger,
        modals: Modals,
        clock: Clock,
        url: ResponseUrl,
        *,
        actor: UserId,
        place: Place,
        trigger: str,
    ) -> None:
        super().__init__(
            messenger, modals, clock, actor=actor, place=place, trigger=trigger, url=url
        )
        self._response = url

    async def say(self, reply: Reply) -> None:
        """Answer by the response_url; in a thread, where it cannot reach, by a whisper.

        The message with the button can be replaced anywhere.
        """
        await self._messenger.meet(self._actor)
        if reply.sensitive:
            await self._reveal(reply)
            return
        reaches = reply.in_place or not self._place.thread
        if not reaches or not await self._response.say(reply):
            await self._messenger.whisper(self._actor, self._place, reply)

    async def _reveal(self, reply: Reply) -> None:
        """Show what holds secrets in a modal, or where only they see it; never in a message."""
        trigger, self._trigger = self._trigger, ""
        if trigger and await self._modals.tell(reply, trigger, self._actor):
            return
        if not self._place.thread and await self._response.say(reply):
            return
        await self._messenger.whisper(self._actor, self._place, _TOO_LATE)


class PublicAnswer(_Answer):
    """To a mention or a direct message: where it was asked. A second answer replaces the first."""

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer for everybody there, unless the reply is private."""
        if reply.private and not self._is_direct:
            await self._messenger.whisper(self._actor, self._place, reply)
            return None
        self._is_waiting = False
        return await self._or_whisper(self._interlude.say(reply), reply)

    async def meanwhile(self, reply: Reply) -> None:
        """Say that it takes its time; the answer itself does not wait until that has appeared."""
        self._is_waiting = True
        if self._interlude.may_stand:
            await self._or_whisper(self._interlude.say(reply), reply)
            return
        await self._or_whisper(self._interlude.begin(reply), reply)

    async def _or_whisper(
        self, saying: Awaitable[MessageRef | None], reply: Reply
    ) -> MessageRef | None:
        try:
            return await saying
        except DeliveryFailed as failed:
            if failed.retry_after is not None:
                raise
            await self._messenger.whisper(self._actor, self._place, reply)
            return None


_TOO_LATE = Reply.of(
    emoji("hourglass"), " ", say("That took too long to be shown. Press the button again.")
)
IN_MESSAGES = Reply.of(say("The answer is in the Messages tab."))
TO_CONFIRM = Reply.of(say("Confirm it in the Messages tab."))
_BESIDE = Reply.of(emoji("white_check_mark"), " ", say("Only you see the answer, where you asked."))
_GOES_ON = Reply.of(
    emoji("white_check_mark"),
    " ",
    say("Submitted. The message where you asked says how it goes on."),
)
# Slack waits 3 s for what becomes of a form; the rest is for the way there and back. Only that
# acknowledgement can close a form: one that was answered with "Checking …" stays until the person
# closes it (views.update changes a view and closes none).
_DECIDED_WITHIN = timedelta(seconds=2)
_CLOSED = Acknowledgement(final=False)


class FormAnswer(_Answer):
    """To a form sent in: in the form while it waits, else a whisper where the form belongs.

    What is known while Slack waits for the acknowledgement is in that, so that a form in which
    nothing has to be read closes by itself.
    """

    def __init__(
        self,
        messenger: SlackMessenger,
        modals: Modals,
        clock: Clock,
        *,
        actor: UserId,
        place: Place,
        view: Payload,
    ) -> None:
        super().__init__(messenger, modals, clock, actor=actor, place=place)
        self._clock = clock
        self._view = view
        self._waiting = ""
        self._undecided: asyncio.Future[Acknowledgement] | None = None
        self._has_answered = False

    def wait(self, meanwhile: Reply) -> Acknowledgement:
        """From now on the form waits for the answer: what Slack is told where that takes longer."""
        self._waiting = secrets.token_urlsafe(16)
        self._undecided = asyncio.get_running_loop().create_future()
        return _update(self._modals.waiting(self._waiting, self._view, meanwhile, self._actor))

    async def settled(self, taken: Acknowledgement) -> Acknowledgement:
        """What becomes of the form, where that is known before Slack gives up; else `taken`."""
        undecided = self._undecided
        if undecided is None:
            return taken
        came = arrival.get() or Arrival(self._clock.monotonic(), timedelta())
        left = _DECIDED_WITHIN - came.waited(self._clock)
        if left > timedelta() and not undecided.done():
            with suppress(TimeoutError):
                async with time_limit(self._clock, left):
                    await asyncio.wait([undecided])
        self._decide(taken)
        return undecided.result()

    @property
    def _is_of_home(self) -> bool:
        """Whether it was opened above the Home tab: what is said in its place is out of sight."""
        return self._place == Place.direct(self._actor)

    @property
    def _is_undecided(self) -> bool:
        """Whether Slack waits to be told what becomes of the form."""
        return self._undecided is not None and not self._undecided.done()

    def _decide(self, acknowledgement: Acknowledgement) -> bool:
        """Let this become of the form; says whether nothing else has before."""
        if self._undecided is None or not self._is_undecided:
            return False
        self._undecided.set_result(acknowledgement)
        return True

    async def say(self, reply: Reply) -> None:
        """Answer in the waiting form, or privately in the place.

        What has buttons of its own is for the place: a form they open would hide it. So is what
        takes the place of the message with the button that has opened the form.
        """
        self._has_answered = True
        with_buttons = any(isinstance(part, Actions) for part in reply.parts)
        is_of_home = self._is_of_home
        beside = self.in_messages if is_of_home else _BESIDE
        in_form = beside if with_buttons else reply
        if self._is_undecided and not is_of_home and (with_buttons or reply.in_place):
            shown = self._decide(_CLOSED)  # it is read where it was asked for
        else:
            shown = await self._in_form(in_form)
        if reply.in_place and await self._replaced(reply):
            return
        if with_buttons or not shown:
            await self._beside(reply)

    async def _in_form(self, reply: Reply) -> bool:
        """Say it in the form; False where that is closed."""
        if not self._waiting:
            return False
        if self._is_undecided:
            view = self._modals.told(self._waiting, self._view, reply, self._actor)
            return self._decide(_update(view))
        return await self._modals.say(self._waiting, self._view, reply, self._actor)

    async def meanwhile(self, reply: Reply) -> None:
        """Say it in the waiting form, above what was typed; else privately in the place."""
        waiting = self._waiting
        if self._is_undecided:
            view = self._modals.waiting(waiting, self._view, reply, self._actor)
            self._decide(_update(view))
            return
        shown = waiting and await self._modals.meanwhile(waiting, self._view, reply, self._actor)
        if not shown:
            await super().meanwhile(reply)

    async def open(self, form: Form) -> None:
        """Put the form back where it waits; else offer it."""
        self._has_answered = True
        if self._is_undecided:
            whole = is_whole(self._view)
            view = self._modals.anew(form, self._place, self._actor, is_whole=whole)
            self._decide(_update(view))
            return
        shown = self._waiting and await self._modals.put_back(
            self._waiting, form, self._place, self._actor, is_whole=is_whole(self._view)
        )
        if not shown:
            _, offer = self._modals.offer(form, self._place)
            await self._beside(offer)

    async def done(self) -> None:
        """Nothing more is said: a form that says nothing of it yet closes, or says that it may."""
        if self._is_asked and self._is_of_home and not self._has_answered:
            await self._in_form(self.in_messages)
        elif not self._decide(_CLOSED) and self._waiting and not self._has_answered:
            await self._in_form(_GOES_ON)
        await super().done()

    async def _replaced(self, reply: Reply) -> bool:
        """Say it in place of the message whose button has opened the form, while Slack lets us."""
        url = self._modals.url_of(self._view["id"])
        return url is not None and await url.say(reply)

    async def _beside(self, reply: Reply) -> None:
        """Say it to the person alone where the form was asked for."""
        url = self._modals.url_of(self._view["id"])
        say = url.say if url is not None else None
        await self._messenger.whisper(self._actor, self._place, reply, say)


def _update(view: Json) -> Acknowledgement:
    """Not final: where it gets lost, nothing would end the waiting of the form sent in again."""
    return Acknowledgement({"response_action": "update", "view": view}, final=False)


class DraftAnswer(_Answer):
    """To a choice in a form that is still being filled in: the form anew, or nothing."""

    def __init__(
        self,
        messenger: SlackMessenger,
        modals: Modals,
        clock: Clock,
        *,
        actor: UserId,
        place: Place,
        shown: Shown,
        is_whole: bool,
    ) -> None:
        super().__init__(messenger, modals, clock, actor=actor, place=place)
        self._shown = shown
        self._is_whole = is_whole

    async def say(self, reply: Reply) -> None:
        """Tell the person beside the form."""
        await self._messenger.whisper(self._actor, self._place, reply)
