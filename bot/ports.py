"""What the core needs from the chat side, as protocols. `handlers` implements them with Slack."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from gettext import NullTranslations
from typing import BinaryIO, Protocol

from bot.errors import Passing
from bot.ids import ChannelId, Reader, UserId
from bot.model import Invocation, MessageRef, Place, Press, Submission
from bot.reply import Button, Choice, Form, Language, Phrase, Reply, Words, say


class DeliveryFailed(Exception):
    """A message could not be delivered.

    `retry_after` is None when trying again is of no use, since this very message or place is
    refused (channel gone, bot not in it); else the earliest moment worth trying. `reason` is the
    chat side's own word, for the log.
    """

    def __init__(self, reason: str, retry_after: timedelta | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


LARGEST_FILE = 1024**3  # bytes; Slack takes none that is larger
# How long the chat side may still carry out what it was sent and did not answer, at the most.
SETTLES_WITHIN = timedelta(minutes=2)


# After that it is sent again. Should it be carried out all the same, there are two; for so long it
# is looked for a second one, to delete it.
COPIES_WITHIN = timedelta(hours=1)
_SOONEST_LOOK, _LATEST_LOOK = timedelta(minutes=2), timedelta(minutes=10)


def look_again_after(passed: timedelta) -> timedelta:
    """When to look for a second one again: ever more seldom."""
    return min(max(passed, _SOONEST_LOOK), _LATEST_LOOK)


class Unanswered(DeliveryFailed):
    """Nobody knows whether it was carried out: it may be, until `settles_within` has passed.

    What must not happen twice is looked for until then, before it is tried again.
    """

    def __init__(self, reason: str, retry_after: timedelta, settles_within: timedelta) -> None:
        super().__init__(reason, retry_after)
        self.settles_within = settles_within


class Unfamiliar(DeliveryFailed):
    """Refused with a word that nobody here knows: it may be about this place, and it may pass."""


class Shut(DeliveryFailed):
    """The place takes nothing for now: it is archived, or the bot was removed or restricted there.

    It may be opened again. So what has to be said now is said elsewhere, and what stands there is
    edited once that can be done.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, None)


RATE_LIMITED = "ratelimited"  # the reason of a PutOff


class PutOff(DeliveryFailed):
    """The chat side takes no more of this kind for now, and has done nothing of it.

    It takes the next one after `wait`, and then one `every` so often, or more.
    """

    def __init__(
        self, reason: str, wait: timedelta, every: timedelta = timedelta(seconds=1)
    ) -> None:
        super().__init__(reason, wait)
        self.wait = wait
        self.every = every


class RightsUnknown(DeliveryFailed):
    """The chat side does not say at the moment who somebody is; nobody's right is decided by it.

    It may say after `wait`.
    """

    def __init__(self, reason: str, wait: timedelta) -> None:
        super().__init__(reason, wait)
        self.wait = wait


def slack_does_not_say() -> Passing:
    """The refusal where nobody waits any longer for RightsUnknown to pass."""
    return Passing(
        say("Slack did not say who may do this."), hint=say("Nothing was done. Try again.")
    )


class LockedOut(DeliveryFailed):
    """The chat side refuses the bot itself, whatever it sends: nothing may be given up for it.

    `lacks` names what is at fault (a token, a scope), `sentence` says how to mend it. While
    `is_fatal`, the bot is of no use to anybody.
    """

    RETRY_AFTER = timedelta(seconds=15)

    def __init__(self, reason: str, lacks: str, sentence: Phrase, *, is_fatal: bool = True) -> None:
        super().__init__(reason, self.RETRY_AFTER)
        self.lacks = lacks
        self.sentence = sentence
        self.is_fatal = is_fatal


class Answer(Protocol):
    """How to answer one invocation, bound to it by the edge. Used while the person waits.

    Where the person asked privately (a slash command, a button, a form) the answer is seen by
    them alone; where they asked in public (a mention) it is public, unless the reply is private.
    """

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer. A second call replaces the first answer where the chat side can.

        Gives the message in which it stands, where that can be edited later.
        """
        ...

    async def meanwhile(self, reply: Reply) -> None:
        """Say that the answer takes its time; a form that waits keeps what was typed into it.

        The answer takes its place, or it disappears at the end, where the chat side can do that.
        """
        ...

    async def open(self, form: Form) -> None:
        """Show a form; only within 3 s of the person's action (Slack's trigger_id).

        A second call shows the form anew, if it stands there still; what was typed stays. Where
        the person cannot be shown one (a mention has no trigger_id), a button that opens it is
        offered instead. For a form sent in that waits, put the form back.
        """
        ...

    def leave_question(self) -> None:
        """Note that a question to the person waits in their messages, to be confirmed."""
        ...


Work = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was asked is safe: acknowledge, then do `work` in a supervised task.

    `waiting`, for forms only: keep the form as it is, below this, until `work` answers; without it
    the form closes.
    """

    work: Work
    waiting: Reply | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A form sent in with faults, by field name: shown at the fields, nothing was recorded.

    `offers`: what can be done about one of them, below its field.
    """

    errors: Mapping[str, Words]
    offers: Mapping[str, tuple[Button, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """What a person types into a search field: `source` is the field's, `query` the typed text.

    `form` and `given` say which form it is in and what other fields of it are known to hold.
    """

    user: UserId
    source: str
    query: str
    place: Place
    form: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


# The action of a button in the App Home that shows other pages of it, by their numbers.
HOME_PAGE = "home.page"
# The action of the button that asks for words, and the form that takes them: the core accepts them
# or not, and the App Home then shows the machines that have them: behind the page numbers, which
# the form keeps, after a blank.
HOME_FIND, HOME_WORDS, HOME_PAGES = "home.find", "words", "pages"
# What shortcuts stand for: the machines that a message names, with its text; any command.
MACHINES_NAMED = "machine.named"
COMMAND_CHOICE = "command.choice"


class Core(Protocol):
    """What the edge may ask of the core. Nothing here touches the network before it returns.

    Each call returns once what must be on disk is there; an exception means that nothing was
    recorded, and then nothing may be acknowledged.
    """

    async def line(self, invocation: Invocation) -> Accepted:
        """Take a typed line."""
        ...

    async def press(self, press: Press) -> Accepted:
        """Take a click."""
        ...

    async def turn_away(self, press: Press, team: str) -> None:
        """Note that an account of another workspace has pressed one of our buttons."""
        ...

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take a form."""
        ...

    async def draft(self, draft: Submission) -> Work:
        """Take note of a form that is being filled in: a field that decides others was chosen."""
        ...

    async def options(self, search: Search) -> Sequence[Choice]:
        """Options for a search field (at most 100), best first; answers well under 3 s."""
        ...

    async def home(self, user: UserId, pages: str = "", *, is_open: bool = False) -> Reply:
        """What `user`'s App Home shows: of what waits, and of machines, the `pages` `1.1`.

        With words behind them, the machines that have these.

        One that `is_open` is shown again: the rights of a minute ago will do. Raises DeliveryFailed
        while Slack does not say what belongs there: what is shown already stays.
        """
        ...

    async def open_homes(self, since: datetime) -> Mapping[UserId, str]:
        """Whose App Homes were opened since then, also before this process began; their pages."""
        ...


class Messenger(Protocol):
    """Messages that outlive an invocation."""

    @property
    def me(self) -> str:
        """Who the bot is on the chat side, to be mentioned."""
        ...

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        """Post a new message that carries `key` invisibly. Raises DeliveryFailed."""
        ...

    def put_off(self, where: Place | MessageRef) -> PutOff | None:
        """What a new message there, or an edit of that one, would be put off with; None: nothing.

        Asks nobody: the chat side has said it before.
        """
        ...

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        """Replace a message's content. Raises DeliveryFailed.

        Gives how long an earlier edit that was not answered may still undo it: zero, as a rule.
        """
        ...

    async def link(self, ref: MessageRef) -> str:
        """The address of a posted message. Raises DeliveryFailed."""
        ...

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        """The message posted at or after `since` with `key`, if any. Raises DeliveryFailed."""
        ...

    async def copies(self, place: Place, key: str, since: datetime) -> Sequence[MessageRef]:
        """All messages posted since then with `key`, oldest first. Raises DeliveryFailed."""
        ...

    async def delete(self, ref: MessageRef) -> None:
        """Delete a message of ours, if it is there. Raises DeliveryFailed."""
        ...

    async def whisper(self, user: UserId, place: Place, reply: Reply) -> None:
        """Say something that only `user` sees: in `place` if possible, else in a direct message."""
        ...

    async def direct(self, user: UserId) -> Place:
        """The direct-message conversation with `user`. Raises DeliveryFailed."""
        ...

    async def upload(self, place: Place, name: str, content: str | BinaryIO) -> None:
        """Share a text file (not empty) in `place`, which all who are there see.

        `name` is no other file's: by it the file is found again. What is read from a file is sent
        in pieces, as it is. Raises DeliveryFailed.
        """
        ...


class Acquainted(Messenger, Protocol):
    """One that asks in which language people read, before something is put into words for them."""

    async def meet(self, reader: Reader) -> None:
        """Find out in which language somebody reads, if nothing is known of it."""
        ...


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """What the chat side says about a person at this moment."""

    id: UserId
    name: str
    locale: str
    zone: str
    is_full_member: bool  # of this workspace: no guest, no bot, not deactivated, not foreign


@dataclass(frozen=True, slots=True)
class UserGroup:
    """What the chat side says about a named group of people. A disabled one is not `active`.

    Of one that is not `readable`, nobody knows who is in it, nor whether it is active.
    """

    members: frozenset[UserId]
    is_active: bool = True
    is_readable: bool = True


class Languages(Protocol):
    """In which language something is read, as far as is known; nothing here waits."""

    def of(self, reader: Reader) -> NullTranslations:
        """The words for a person, or for whoever reads in a conversation, by its id."""
        ...

    def language(self, reader: Reader) -> Language:
        """Which language that is."""
        ...

    def person_in(self, reader: Reader) -> UserId | None:
        """Who alone reads there, if that is known."""
        ...

    def is_known(self, person: UserId) -> bool:
        """Whether there is nothing to be asked about a person's language."""
        ...

    def heard(self, person: UserId, locale: str) -> None:
        """Note the locale that the chat side says a person has."""
        ...

    def doubt(self, person: UserId) -> None:
        """Ask about a person anew: something about them has changed."""
        ...

    def meets(self, conversation: ChannelId, person: UserId) -> None:
        """Note whose a direct message with the bot is."""
        ...


class Directory(Protocol):
    """Who people are."""

    async def person(self, user: UserId) -> PersonInfo:
        """Look a person up, now. Raises DeliveryFailed; RightsUnknown where it may say later."""
        ...

    async def groups(self) -> Mapping[str, UserGroup]:
        """All user groups by id, now, also the disabled ones. Raises the same.

        Without an id: one of which nobody knows which one it is.
        """
        ...


class Traces(Protocol):
    """Where spans go. Raises nothing, and holds nobody up."""

    def command(
        self,
        command_id: str,
        name: str,
        began: datetime,
        ended: datetime,
        told: Mapping[str, str],
        *,
        is_failure: bool,
    ) -> None:
        """Tell of a command that came to its end."""
        ...

    def read(
        self, key: str, name: str, took: timedelta, told: Mapping[str, str], *, is_failure: bool
    ) -> None:
        """Tell of a command that only read, and ended just now."""
        ...

    def call(self, kind: str, name: str, error: str, took: timedelta) -> None:
        """Tell of a call that was made just now for the current command, if there is one."""
        ...

    async def close(self) -> None:
        """Send what is not sent yet."""
        ...
