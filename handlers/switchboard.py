"""What every listener works with, and who is served at all."""

from dataclasses import dataclass
from types import MappingProxyType

import structlog

from bot.clock import Clock
from bot.ids import UserId
from bot.model import Place
from bot.ports import Answer, Core
from bot.reply import Reply, say
from handlers.answer import (
    DraftAnswer,
    FormAnswer,
    PrivateAnswer,
    PublicAnswer,
)
from handlers.boundary import Boundary
from handlers.connection import SlackConnection
from handlers.deliveries import Acknowledgement
from handlers.homes import Homes
from handlers.modals import Modals, Shown
from handlers.payloads import ANSWER_CALLBACK, FormOrigin, Payload
from handlers.readers import Readers
from handlers.response_url import ResponseUrl
from handlers.slack import SlackMessenger
from handlers.view_answers import AnswerInAnswer, AnswerInForm, AnswerOnHome

NO_VIEW: Payload = MappingProxyType({})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Switchboard:
    """The core on one side, Slack on the other."""

    core: Core
    clock: Clock
    connection: SlackConnection
    messenger: SlackMessenger
    modals: Modals
    readers: Readers
    homes: Homes
    boundary: Boundary

    def is_foreign(self, team: str) -> bool:
        """Whether an account belongs to another workspace (Slack Connect)."""
        return not self.connection.identity.is_ours(team)

    def refuse_foreign(self, key: str, team: str, answer: Answer) -> Acknowledgement:
        """Tell someone from another workspace that they are not served."""
        log.info("foreign_account_refused", key=key, team=team)
        sentence = say("I only work for members of the workspace that I am installed in.")
        return self.boundary.refuse(key, answer, Reply.of(sentence, private=True))

    def private(
        self, actor: UserId, place: Place, url: str, trigger: str, view: Payload = NO_VIEW
    ) -> PrivateAnswer:
        """The answer to a slash command or a button; `view`: the one in which it was pressed."""
        self._meet(actor, place)
        answer = _kind(view)(
            self.messenger,
            self.modals,
            self.clock,
            ResponseUrl(self.connection, self.clock, url, actor),
            actor=actor,
            place=place,
            trigger=trigger,
        )
        if isinstance(answer, AnswerInAnswer):
            answer.stand_in(view)
        return answer

    def _meet(self, actor: UserId, place: Place) -> None:
        """Note who reads what is posted there later. Where two people write, no bot can post."""
        if place.channel.startswith("D") and self.connection.languages is not None:
            self.connection.languages.meets(place.channel, actor)

    def public(self, actor: UserId, place: Place) -> PublicAnswer:
        """The answer to a message."""
        self._meet(actor, place)
        return PublicAnswer(self.messenger, self.modals, self.clock, actor=actor, place=place)

    def form(self, actor: UserId, place: Place, view: Payload) -> FormAnswer:
        """The answer to a form sent in."""
        return FormAnswer(
            self.messenger, self.modals, self.clock, actor=actor, place=place, view=view
        )

    def draft(
        self, actor: UserId, place: Place, view: Payload, act: str, *, is_whole: bool
    ) -> DraftAnswer:
        """The answer to a choice in a form that is still open; `is_whole`: to show all of it."""
        self.modals.acted(view["id"], act)
        filling = FormOrigin.load(view["private_metadata"]).filling
        shown = Shown(view["id"], view["hash"], act, filling)
        return DraftAnswer(
            self.messenger, self.modals, self.clock, actor=actor, place=place, shown=shown,
            is_whole=is_whole,
        )  # fmt: skip


def _kind(view: Payload) -> type[PrivateAnswer]:
    """Which answer belongs to a button by the view in which it stands."""
    if view.get("type") == "home":
        return AnswerOnHome
    if view.get("type") != "modal":
        return PrivateAnswer
    return AnswerInAnswer if view.get("callback_id") == ANSWER_CALLBACK else AnswerInForm
